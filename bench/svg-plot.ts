/** Draws a described plot as an SVG file. It measures nothing, and knows nothing of what the numbers mean. */
import type { Axis, BarPlot, Line, LinePlot, Plot } from "./plot-description.ts";
import { box, colourOf, dot, margin, path, plotWidth, svgText, text } from "./svg-elements.ts";
import { linearScale, logarithmicScale, type Scale, tickText } from "./svg-scale.ts";

/** Where the lines or bars are, in pixels. */
interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** @returns the text of the file */
export function drawPlot(plot: Plot): string {
  return plot.kind === "lines" ? drawLines(plot) : drawBars(plot);
}

const lineArea: Area = { left: 80, right: 550, top: 50, bottom: 380 };

function drawLines({ title, caption, x, y, lines, limit }: LinePlot): string {
  const points = lines.flatMap((line) => line.points);
  const { left, right, top, bottom } = lineArea;
  const xs = scaleOf(
    x,
    points.map(([value]) => value),
    left,
    right,
  );
  const levels = [...points.map(([, value]) => value), ...(limit === undefined ? [] : [limit.y])];
  const ys = scaleOf(y, levels, bottom, top);
  const limitLine = (level: number) =>
    path(
      [left, right].map((place) => [place, ys.at(level)] as const),
      { colour: "limit", width: 1.5 },
    );
  return svgText(bottom + 80, title, caption, [
    ...drawGrid(xs, ys),
    text((left + right) / 2, bottom + 40, x.label, { anchor: "middle" }),
    text(margin + 8, (top + bottom) / 2, y.label, { anchor: "middle", isUpright: true }),
    ...(limit === undefined ? [] : [limitLine(limit.y)]),
    ...lines.flatMap((line) => drawLine(line, xs, ys)),
    ...drawLegend(lines, limit?.name),
  ]);
}

function scaleOf({ isLogarithmic }: Axis, values: readonly number[], from: number, to: number): Scale {
  return isLogarithmic ? logarithmicScale(values, from, to) : linearScale(values, from, to);
}

function drawGrid(xs: Scale, ys: Scale): string[] {
  const { left, right, top, bottom } = lineArea;
  const faint = { colour: "faint", width: 1 } as const;
  return [
    ...xs.ticks.flatMap((tick) => [
      path(
        [top, bottom].map((y) => [xs.at(tick), y] as const),
        faint,
      ),
      text(xs.at(tick), bottom + 18, tickText(tick), { anchor: "middle" }),
    ]),
    ...ys.ticks.flatMap((tick) => [
      path(
        [left, right].map((x) => [x, ys.at(tick)] as const),
        faint,
      ),
      text(left - 8, ys.at(tick) + 4, tickText(tick), { anchor: "end" }),
    ]),
  ];
}

function drawLine({ points, colour, isDashed = false }: Line, xs: Scale, ys: Scale): string[] {
  const places = points.map(([x, y]) => [xs.at(x), ys.at(y)] as const);
  const name = colourOf(colour);
  return [path(places, { colour: name, isDashed }), ...places.map(([x, y]) => dot(x, y, name))];
}

function drawLegend(lines: readonly Line[], limitName: string | undefined): string[] {
  const x = lineArea.right + 20;
  const entries = [
    ...lines.map(({ name, colour }) => ({ name, colour: colourOf(colour) })),
    ...(limitName === undefined ? [] : [{ name: limitName, colour: "limit" as const }]),
  ].filter(({ name }) => name !== "");
  return entries.flatMap(({ name, colour }, index) => {
    const y = lineArea.top + 10 + index * 22;
    const sample = [x, x + 20].map((place) => [place, y - 4] as const);
    return [path(sample, { colour }), text(x + 28, y, name)];
  });
}

const barHeight = 12;
const groupGap = 12;
/** What the text of a value takes. */
const valueWidth = 36;

function drawBars({ title, caption, unit, bars, groups }: BarPlot): string {
  const area = { left: 360, right: plotWidth - 70, top: 70 };
  const groupHeight = bars.length * (barHeight + 2) + groupGap;
  const bottom = area.top + groups.length * groupHeight;
  const values = groups.flatMap((group) => [...group.bars.map(({ max }) => max), group.limit ?? 0]);
  const scale = linearScale(values, area.left, area.right);
  const legend = bars.flatMap((name, index) => {
    const x = margin + index * 260;
    return [box(x, 42, 12, 12, colourOf(index)), text(x + 18, 53, name)];
  });
  const ticks = scale.ticks.flatMap((tick) => [
    path(
      [area.top, bottom].map((y) => [scale.at(tick), y] as const),
      { colour: "faint", width: 1 },
    ),
    text(scale.at(tick), bottom + 18, tickText(tick), { anchor: "middle" }),
  ]);
  return svgText(bottom + 60, title, caption, [
    ...legend,
    ...ticks,
    text(area.right + 24, bottom + 18, unit),
    ...groups.flatMap((group, index) => {
      const top = area.top + groupGap / 2 + index * groupHeight;
      const middle = top + (bars.length * (barHeight + 2)) / 2;
      const drawn = group.bars.flatMap((bar, place) => drawBar(bar, place, top, scale, group.limit));
      const limit = group.limit === undefined ? [] : [drawLimit(group.limit, top, scale)];
      return [text(area.left - 10, middle + 4, group.name, { anchor: "end", size: 12 }), ...drawn, ...limit];
    }),
  ]);
}

function drawBar(
  { median, min, max }: BarPlot["groups"][number]["bars"][number],
  place: number,
  groupTop: number,
  scale: Scale,
  limit: number | undefined,
): string[] {
  const top = groupTop + place * (barHeight + 2);
  const middle = top + barHeight / 2;
  const spread = [min, max].map((value) => [scale.at(value), middle] as const);
  const digits = median < 100 ? 1 : 0;
  // The mark of the limit crosses the first bar, and may stand where its value would.
  const limitEnd = place === 0 && limit !== undefined ? scale.at(limit) : 0;
  const isCrossed = limitEnd > scale.at(max) && limitEnd < scale.at(max) + valueWidth;
  const end = isCrossed ? limitEnd : scale.at(max);
  return [
    box(scale.at(0), top, scale.at(median) - scale.at(0), barHeight, colourOf(place)),
    path(spread, { colour: "ink", width: 1 }),
    text(end + 6, middle + 4, median.toFixed(digits), { size: 11 }),
  ];
}

/** Across the first bar of a group. */
function drawLimit(limit: number, groupTop: number, scale: Scale): string {
  const ends = [groupTop - 3, groupTop + barHeight + 3].map((y) => [scale.at(limit), y] as const);
  return path(ends, { colour: "limit", width: 2.5 });
}
