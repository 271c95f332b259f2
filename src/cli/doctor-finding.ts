/** One line of doctor's report. */
export type Level = 'ok' | 'warning' | 'missing';

export interface Finding {
  /** What was looked at: `user namespaces`. */
  name: string;
  level: Level;
  /** What was found: `kernel 6.1`, `not installed`. */
  found: string;
  /** What will not work because of it. */
  without?: string;
  /** How to mend it. */
  mend?: string;
  /** Without this no container runs at all. */
  vital?: boolean;
}

export interface Chapter {
  title: string;
  findings: Finding[];
}

export const ok = (name: string, found: string): Finding => ({ name, level: 'ok', found });

export const warning = (name: string, found: string, without: string, mend?: string): Finding => ({
  name,
  level: 'warning',
  found,
  without,
  ...(mend ? { mend } : {}),
});

export const missing = (name: string, found: string, without: string, mend?: string): Finding => ({
  ...warning(name, found, without, mend),
  level: 'missing',
});

export const vital = (finding: Finding): Finding => ({ ...finding, vital: true });
