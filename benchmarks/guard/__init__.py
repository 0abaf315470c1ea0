"""A guard that times nothing: what a review costs in instructions and in allocations.

Both are counted under valgrind, and are the same however busy the machine is. So a change that
makes every review a little dearer is seen at once, where a measurement of time would need a quiet
machine and many rounds. What is counted is held against bounds that stand in the repository.
"""
