/** What a Go template is made of, after parsing (text/template of Go's standard library). */

export type Operand =
  | { kind: 'dot' }
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'function'; name: string }
  /** `$x` */
  | { kind: 'variable'; name: string }
  /** `.Name`, `$x.Name`, `(…).Name` */
  | { kind: 'field'; of: Operand; name: string }
  | { kind: 'pipe'; pipe: Pipe };

/** `index .Args 0`: the first operand may be a function or a field, the others are its arguments. */
export type Command = Operand[];

export interface Pipe {
  /** `$x := …`, `$i, $x := range …` */
  variables: string[];
  /** `=` instead of `:=` */
  assigns: boolean;
  commands: Command[];
}

export interface Branch {
  kind: 'if' | 'with' | 'range';
  pipe: Pipe;
  body: Node[];
  otherwise: Node[];
}

export type Node = { kind: 'text'; text: string } | { kind: 'print'; pipe: Pipe } | Branch | { kind: 'break' } | { kind: 'continue' };
