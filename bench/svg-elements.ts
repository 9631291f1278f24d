/**
 * Pieces of SVG that all plots are made of, and their colours: readable where the reader's system is light,
 * and where it is dark. It knows no data.
 */

/** Names a colour of the style sheet: `ink`, `faint`, `limit`, or `c0` to `c5`. */
export type Colour = "ink" | "faint" | "limit" | `c${number}`;

export interface LineStyle {
  readonly colour: Colour;
  readonly width?: number;
  readonly isDashed?: boolean;
}

export const plotWidth = 800;
export const margin = 20;
const coloursCount = 6;

/** A background of its own: whoever shows the file need not have the colours of the reader's system. */
const light = colours("#ffffff #24292f #d0d7de #cf222e #0969da #9a6700 #1a7f37 #8250df #bf3989 #57606a");
const dark = colours("#0d1117 #e6edf3 #373e47 #ff7b72 #58a6ff #d29922 #3fb950 #bc8cff #f778ba #8b949e");

/** @returns the colour of the line or bar with this number */
export function colourOf(number: number): Colour {
  return `c${number % coloursCount}`;
}

/** @returns the whole file */
export function svgText(height: number, title: string, caption: string, parts: readonly string[]): string {
  const style =
    `svg{${light};font:13px system-ui,sans-serif}` + `@media(prefers-color-scheme:dark){svg{${dark}}}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${plotWidth} ${height}" width="${plotWidth}" ` +
      `height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<desc>${escaped(caption)}</desc>`,
    `<style>${style}</style>`,
    `<rect width="${plotWidth}" height="${height}" style="fill:var(--ground)"/>`,
    text(margin, margin + 10, title, { size: 16 }),
    text(margin, height - 14, caption, { colour: "c5" }),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

export interface TextStyle {
  readonly anchor?: "start" | "middle" | "end";
  readonly colour?: Colour;
  readonly size?: number;
  /** Written from below to above. */
  readonly isUpright?: boolean;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = "start", colour = "ink", size = 13, isUpright = false } = style;
  const turn = isUpright ? ` transform="rotate(-90 ${pixels(x)} ${pixels(y)})"` : "";
  const look = `style="fill:var(--${colour})" font-size="${size}" text-anchor="${anchor}"`;
  return `<text x="${pixels(x)}" y="${pixels(y)}" ${look}${turn}>${escaped(content)}</text>`;
}

export function path(points: readonly (readonly [x: number, y: number])[], style: LineStyle): string {
  const { colour, width = 2, isDashed = false } = style;
  const steps = points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${pixels(x)} ${pixels(y)}`).join("");
  const dashes = isDashed ? ' stroke-dasharray="5 4"' : "";
  return `<path d="${steps}" fill="none" style="stroke:var(--${colour})" stroke-width="${width}"${dashes}/>`;
}

export function dot(x: number, y: number, colour: Colour): string {
  return `<circle cx="${pixels(x)}" cy="${pixels(y)}" r="3" style="fill:var(--${colour})"/>`;
}

export function box(x: number, y: number, width: number, height: number, colour: Colour): string {
  const place = `x="${pixels(x)}" y="${pixels(y)}" width="${pixels(width)}" height="${pixels(height)}"`;
  return `<rect ${place} style="fill:var(--${colour})"/>`;
}

/** A tenth of a pixel is finer than any eye. */
function pixels(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function colours(values: string): string {
  const names = ["ground", "ink", "faint", "limit", "c0", "c1", "c2", "c3", "c4", "c5"];
  return values
    .split(" ")
    .map((value, index) => `--${names[index]}:${value}`)
    .join(";");
}
