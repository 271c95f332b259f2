/** Results as a picture: a bar for each median, a line from p10 to p90. Plain SVG, no script. */
import type { Row } from './table.ts';

const WIDTH = 760;
const LEFT = 170;
const RIGHT = 70;
const BAR = 18;
const STEP = 30;
const TOP = 56;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** 1, 2 or 5 times a power of ten, so that there are four to ten lines. */
export function gridStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  for (const factor of [0.1, 0.2, 0.5, 1]) if (most / (power * factor) <= 10) return power * factor;
  return power;
}

const colourOf = (row: Row): string => (row.baseline ? '#9aa0a6' : /minirun|warm/.test(row.name) ? '#1a73e8' : '#e8710a');

/** @param rows in the order in which they are drawn, from the top */
export function plot(title: string, subtitle: string, rows: Row[]): string {
  const most = Math.max(...rows.map((r) => r.time.p90), 1);
  const x = (value: number) => LEFT + (value / most) * (WIDTH - LEFT - RIGHT);
  const height = TOP + rows.length * STEP + 34;
  const step = gridStep(most);
  const parts: string[] = [];
  for (let value = 0; value <= most; value += step) {
    const at = x(value).toFixed(1);
    parts.push(`<line x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${height - 30}" stroke="#dadce0"/>`);
    parts.push(`<text x="${at}" y="${height - 14}" text-anchor="middle" class="small">${Number(value.toPrecision(3))}</text>`);
  }
  rows.forEach((row, i) => {
    const y = TOP + i * STEP;
    const middle = y + BAR / 2;
    const { p10, median, p90 } = row.time;
    parts.push(
      `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escaped(row.name)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${(x(median) - LEFT).toFixed(1)}" height="${BAR}" fill="${colourOf(row)}"/>`,
      `<line x1="${x(p10).toFixed(1)}" x2="${x(p90).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#202124" stroke-width="2"/>`,
      `<text x="${(x(Math.max(median, p90)) + 6).toFixed(1)}" y="${middle + 4}">${median.toFixed(median < 10 ? 2 : 1)}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>text{font:13px system-ui,sans-serif;fill:#202124}.small{font-size:11px;fill:#5f6368}.title{font-size:16px;font-weight:600}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="22" class="title">${escaped(title)}</text>
<text x="12" y="40" class="small">${escaped(subtitle)}</text>
${parts.join('\n')}
</svg>
`;
}
