/** Lists of things: as a table, as ids, as JSON lines, or by a template of the person who asks. */
import { compileTemplate } from '../template/execute.ts';
import { goJson } from '../template/functions.ts';
import { lookOf, type TableLook, tableText } from './table.ts';

export interface Column<T> {
  header: string;
  value(row: T): string | number | boolean;
}

export interface Listing<T> {
  /** By the name that templates use: `{{.ID}}`. */
  columns: Record<string, Column<T>>;
  /** Those that the table shows when no template is given. */
  shown: readonly string[];
  /** Methods of a row: `{{.Label "a"}}`. */
  methods?: Record<string, (row: T, ...args: string[]) => unknown>;
}

export interface Asked {
  format?: string | undefined;
  /** Only this column, one row a line. */
  quiet?: string | false | undefined;
}

/** Adds the options that every list has. */
export const FORMAT_HELP = "'table' (default), 'table TEMPLATE', 'json', or a Go template such as '{{.ID}}'";

/** Escapes that people write between fields because a shell's single quotes keep them. */
const withTabs = (template: string): string => template.replaceAll('\\t', '\t').replaceAll('\\n', '\n');

/** @throws TemplateError */
export function listText<T>(rows: readonly T[], listing: Listing<T>, asked: Asked = {}, look: TableLook = {}): string {
  const { columns } = listing;
  const fields = (row: T) => Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.value(row)]));
  const format = asked.format?.trim() || 'table';
  if (asked.quiet && (format === 'table' || format === 'json')) {
    const column = columns[asked.quiet] as Column<T>;
    return rows.map((row) => `${column.value(row)}\n`).join('');
  }
  if (format === 'json') return rows.map((row) => `${goJson(sorted(fields(row)))}\n`).join('');
  if (format === 'table') {
    const shown = listing.shown.map((name) => columns[name] as Column<T>);
    return tableText([shown.map(({ header }) => header), ...rows.map((row) => shown.map((column) => String(column.value(row))))], look);
  }
  const [, table, text] = /^(table\s+)?([\s\S]*)$/.exec(format) as RegExpExecArray;
  const template = compileTemplate(withTabs(text as string), { strict: true });
  const data = (row: T) => ({
    ...sorted(fields(row)),
    ...Object.fromEntries(
      Object.entries(listing.methods ?? {}).map(([name, method]) => [name, (...args: string[]) => method(row, ...args)]),
    ),
  });
  const lines = rows.map((row) => template(data(row)));
  if (table === undefined) return lines.map((line) => `${line}\n`).join('');
  const headers = {
    ...Object.fromEntries(Object.entries(columns).map(([name, { header }]) => [name, header])),
    ...Object.fromEntries(Object.keys(listing.methods ?? {}).map((name) => [name, (...args: string[]) => args.join(' ')])),
  };
  return tableText(
    [template(headers), ...lines].map((line) => line.split('\t')),
    look,
  );
}

/** The same on standard output. */
export function printList<T>(rows: readonly T[], listing: Listing<T>, asked: Asked = {}): void {
  process.stdout.write(listText(rows, listing, asked, lookOf(process.stdout)));
}

const sorted = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Whole objects: as indented JSON, as one line of JSON, or by a template.
 * @throws TemplateError
 */
export function objectText(value: unknown, format: string | undefined): string {
  if (format === undefined || format === '') return `${JSON.stringify(value, null, 4)}\n`;
  if (format === 'json') return `${goJson(value)}\n`;
  return `${compileTemplate(withTabs(format), { strict: true })(value)}\n`;
}
