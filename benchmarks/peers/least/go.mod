module least

go 1.26.0
