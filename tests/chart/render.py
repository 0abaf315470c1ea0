"""``make chart-render``: print what installing the chart with its default values applies."""

from tests.chart.helm import render

if __name__ == "__main__":
    print(render().manifest)  # noqa: T201 - its purpose
