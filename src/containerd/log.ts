/** The daemon's log: a line of logfmt on stderr for each event, as containerd writes it. */

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'panic';
export type Fields = Record<string, unknown>;
export type Log = (level: Level, message: string, fields?: Fields) => void;

const ORDER: Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'panic'];

export const isLevel = (text: string): text is Level => (ORDER as string[]).includes(text);

/** @param write gets each line, with its end */
export function logTo(write: (line: string) => void, least: Level = 'info'): Log {
  return (level, message, fields = {}) => {
    if (ORDER.indexOf(level) < ORDER.indexOf(least)) return;
    const more = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(textOf(value))}`);
    write(
      `time=${quoted(new Date().toISOString())} level=${level === 'warn' ? 'warning' : level} msg=${quoted(message)}${more.join('')}\n`,
    );
  };
}

export const textOf = (value: unknown): string => (value instanceof Error ? value.message : String(value));

const quoted = (text: string): string => (/^[\w./:@%+,-]+$/.test(text) ? text : JSON.stringify(text));
