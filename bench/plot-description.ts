/** What a plot shows, as plain values: benchmarks describe plots, and `svg-plot.ts` draws them. */

/** A plot of lines over an axis of numbers, or of bars side by side. */
export type Plot = LinePlot | BarPlot;

interface PlotTexts {
  /** Its file in `docs/plots`, without an ending. */
  readonly file: string;
  readonly title: string;
  /** One sentence for those who do not see the plot, and beneath it for those who do. */
  readonly caption: string;
}

export interface Axis {
  readonly label: string;
  readonly isLogarithmic: boolean;
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Lines of one colour belong together. */
  readonly colour: number;
  readonly isDashed?: boolean;
}

export interface LinePlot extends PlotTexts {
  readonly kind: "lines";
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** A level that is not to be passed. */
  readonly limit?: { readonly name: string; readonly y: number };
}

export interface Bar {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface BarGroup {
  readonly name: string;
  /** One for each name of the plot's `bars`. */
  readonly bars: readonly Bar[];
  /** A level that the first bar is not to pass. */
  readonly limit?: number;
}

export interface BarPlot extends PlotTexts {
  readonly kind: "bars";
  readonly unit: string;
  /** What the bars of each group stand for, in order. */
  readonly bars: readonly string[];
  readonly groups: readonly BarGroup[];
}
