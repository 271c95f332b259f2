/** The Test Anything Protocol (testanything.org, version 12 and 13), as far as the suites print it. */

export interface TestPoint {
  ok: boolean;
  name: string;
  /** Why it was skipped; empty when no reason was given. */
  skip?: string;
  /** Lines since the last test point, and until the next one. */
  before: string[];
  after: string[];
}

const POINT = /^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$/;

/** True for a line that tells of a test's end. */
export const isTestPoint = (line: string): boolean => POINT.test(line);

/** Test points in the order in which they were printed. Lines may end as a terminal ends them. */
export function parseTap(text: string): TestPoint[] {
  const points: TestPoint[] = [];
  let lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [whole, not, , description = ''] = POINT.exec(line) ?? [];
    if (whole === undefined) {
      lines.push(line);
      continue;
    }
    const before = lines;
    lines = [];
    const [name = '', directive] = description.split(/(?:^|\s+)#\s*(?=skip\b|todo\b|timeout\b|in \d)/i);
    const skip = directive === undefined ? undefined : /^skip\b[:\s]*(.*)$/i.exec(directive)?.[1];
    points.push({ ok: !not, name: name.trim(), ...(skip !== undefined && { skip }), before, after: lines });
  }
  return points;
}
