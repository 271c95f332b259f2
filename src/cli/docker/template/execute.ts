/** Runs a parsed template over a value: what `--format` does. */
import { TemplateError } from './error.ts';
import { FUNCTIONS } from './functions.ts';
import { parseTemplate } from './parse.ts';
import type { Branch, Command, Node, Operand, Pipe } from './tree.ts';
import { printed, truth } from './values.ts';

type Template = (data: unknown) => string;

export interface TemplateOptions {
  /** A field that is not there is an error, as with `docker inspect`; otherwise it prints `<no value>`. */
  strict?: boolean;
}

/**
 * @returns a function from data to text, which throws TemplateError
 * @throws TemplateError when it cannot be parsed
 */
export function compileTemplate(template: string, { strict = false }: TemplateOptions = {}): Template {
  const nodes = parseTemplate(template);
  for (const name of functionsIn(nodes))
    if (!Object.hasOwn(FUNCTIONS, name) && name !== 'and' && name !== 'or')
      throw new TemplateError(`template parsing error: template: :1: function ${JSON.stringify(name)} not defined`);
  return (data) => {
    try {
      const out: string[] = [];
      run(nodes, { dot: data, variables: new Map([['$', { value: data }]]), strict, out });
      return out.join('');
    } catch (error) {
      if (error instanceof TemplateError && !/^template parsing/.test(error.message))
        throw new TemplateError(`template: :1: executing "" at <${template}>: ${error.message}`);
      throw error;
    }
  };
}

interface Scope {
  dot: unknown;
  variables: Map<string, { value: unknown }>;
  strict: boolean;
  out: string[];
}

type Flow = 'next' | 'break' | 'continue';

function run(nodes: readonly Node[], scope: Scope): Flow {
  for (const node of nodes) {
    if (node.kind === 'text') scope.out.push(node.text);
    else if (node.kind === 'print') {
      const value = pipe(node.pipe, scope);
      if (node.pipe.variables.length === 0) scope.out.push(printed(value));
    } else if (node.kind === 'break' || node.kind === 'continue') return node.kind;
    else {
      const flow = branch(node, scope);
      if (flow !== 'next') return flow;
    }
  }
  return 'next';
}

const inner = (scope: Scope, dot: unknown): Scope => ({ ...scope, dot, variables: new Map(scope.variables) });

function branch(node: Branch, outer: Scope): Flow {
  const scope = inner(outer, outer.dot);
  if (node.kind === 'range') return range(node, scope);
  const value = pipe(node.pipe, scope);
  if (!truth(value)) return run(node.otherwise, scope);
  return run(node.body, node.kind === 'with' ? inner(scope, value) : scope);
}

function range(node: Branch, scope: Scope): Flow {
  const value = pipe({ ...node.pipe, variables: [] }, scope);
  const pairs = pairsOf(value);
  if (pairs.length === 0) return run(node.otherwise, scope);
  const names = node.pipe.variables;
  for (const [key, element] of pairs) {
    const body = inner(scope, element);
    if (names.length === 1) body.variables.set(names[0] as string, { value: element });
    else if (names.length === 2) {
      body.variables.set(names[0] as string, { value: key });
      body.variables.set(names[1] as string, { value: element });
    }
    if (run(node.body, body) === 'break') break;
  }
  return 'next';
}

/** Maps are gone through in the order of their keys. */
function pairsOf(value: unknown): [unknown, unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((element, n) => [n, element]);
  if (typeof value === 'number') return Array.from({ length: Math.max(0, value) }, (_, n) => [n, n]);
  if (typeof value === 'object') return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  throw new TemplateError(`range can't iterate over ${printed(value)}`);
}

const NOTHING = Symbol('no piped value');

function pipe(of: Pipe, scope: Scope): unknown {
  let value: unknown = NOTHING;
  for (const words of of.commands) value = command(words, scope, value);
  const name = of.variables[0];
  if (name !== undefined) {
    const known = scope.variables.get(name);
    if (!of.assigns) scope.variables.set(name, { value });
    else if (known) known.value = value;
    else throw new TemplateError(`undefined variable ${JSON.stringify(name)}`);
  }
  return value;
}

function command([first, ...rest]: Command, scope: Scope, piped: unknown): unknown {
  const head = first as Operand;
  if (head.kind === 'function') {
    if (head.name === 'and' || head.name === 'or') return shortCircuit(head.name, rest, scope, piped);
    const values = rest.map((word) => operand(word, scope));
    if (piped !== NOTHING) values.push(piped);
    return (FUNCTIONS[head.name] as (...values: unknown[]) => unknown)(...values);
  }
  const value = operand(head, scope, true);
  if (typeof value === 'function') {
    const values = rest.map((word) => operand(word, scope));
    return value(...values, ...(piped === NOTHING ? [] : [piped]));
  }
  if (rest.length > 0 || piped !== NOTHING) throw new TemplateError("can't give argument to non-function");
  return value;
}

/** The first operand that decides; the ones behind it are not looked at. */
function shortCircuit(name: 'and' | 'or', words: Operand[], scope: Scope, piped: unknown): unknown {
  let value: unknown;
  for (const word of words) {
    value = operand(word, scope);
    if (truth(value) === (name === 'or')) return value;
  }
  return piped === NOTHING ? value : piped;
}

/** @param asHead a method (`.Label "x"`) is returned as it is, to be called with what follows */
function operand(of: Operand, scope: Scope, asHead = false): unknown {
  switch (of.kind) {
    case 'dot':
      return scope.dot;
    case 'literal':
      return of.value;
    case 'variable': {
      const found = scope.variables.get(of.name);
      if (!found) throw new TemplateError(`undefined variable ${JSON.stringify(of.name)}`);
      return found.value;
    }
    case 'pipe':
      return pipe(of.pipe, inner(scope, scope.dot));
    case 'function':
      return command([of], scope, NOTHING);
    case 'field': {
      const value = field(operand(of.of, scope), of.name, scope.strict);
      return typeof value === 'function' && !asHead ? value() : value;
    }
  }
}

function field(value: unknown, name: string, strict: boolean): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
    if (strict) throw new TemplateError(`map has no entry for key ${JSON.stringify(name)}`);
    return undefined;
  }
  if (value === undefined && !strict) return undefined;
  if (value === null || value === undefined) throw new TemplateError(`nil pointer evaluating interface {}.${name}`);
  throw new TemplateError(`can't evaluate field ${name} in type ${Array.isArray(value) ? '[]interface {}' : typeof value}`);
}

function functionsIn(nodes: readonly Node[]): string[] {
  const ofPipe = (of: Pipe): string[] => of.commands.flat().flatMap(ofOperand);
  const ofOperand = (of: Operand): string[] =>
    of.kind === 'function' ? [of.name] : of.kind === 'pipe' ? ofPipe(of.pipe) : of.kind === 'field' ? ofOperand(of.of) : [];
  return nodes.flatMap((node) => {
    if (node.kind === 'print') return ofPipe(node.pipe);
    if (node.kind === 'text' || node.kind === 'break' || node.kind === 'continue') return [];
    return [...ofPipe(node.pipe), ...functionsIn(node.body), ...functionsIn(node.otherwise)];
  });
}
