/** Tokens → tree. */
import { TemplateError } from './error.ts';
import { piecesOf, type Token } from './tokens.ts';
import type { Branch, Command, Node, Operand, Pipe } from './tree.ts';

const KEYWORDS = new Set(['if', 'else', 'end', 'range', 'with', 'break', 'continue', 'define', 'template', 'block']);

/** @throws TemplateError in Docker's words */
export function parseTemplate(template: string): Node[] {
  try {
    return parse(template);
  } catch (error) {
    if (error instanceof TemplateError) throw new TemplateError(`template parsing error: template: :1: ${error.message}`);
    throw error;
  }
}

interface Open {
  branch: Branch;
  /** Where nodes go: `body`, and `otherwise` after `else`. */
  into: Node[];
  /** How many `end`s are one: `else if` opens a branch inside a branch. */
  nested: number;
}

function parse(template: string): Node[] {
  const top: Node[] = [];
  const stack: Open[] = [];
  const into = () => stack.at(-1)?.into ?? top;
  const open = (kind: Branch['kind'], tokens: Token[], nested: number) => {
    const pipe = new Reader(tokens).wholePipe(kind);
    const branch: Branch = { kind, pipe, body: [], otherwise: [] };
    into().push(branch);
    stack.push({ branch, into: branch.body, nested });
  };
  for (const piece of piecesOf(template)) {
    if (piece.kind === 'text') {
      if (piece.text !== '') into().push(piece);
      continue;
    }
    const [first, ...rest] = piece.tokens;
    if (!first) throw new TemplateError('missing value for command');
    const word = first.kind === 'word' && KEYWORDS.has(first.text) ? first.text : '';
    if (word === 'if' || word === 'with' || word === 'range') open(word, rest, 1);
    else if (word === 'else') {
      const current = stack.at(-1);
      if (!current || current.into === current.branch.otherwise) throw new TemplateError('unexpected {{else}}');
      current.into = current.branch.otherwise;
      const again = rest[0]?.text;
      if (again === 'if' || again === 'with') open(again, rest.slice(1), current.nested + 1);
      else if (rest.length > 0) throw new TemplateError(`unexpected ${JSON.stringify(again)} in else`);
    } else if (word === 'end') {
      const current = stack.at(-1);
      if (!current) throw new TemplateError('unexpected {{end}}');
      for (let n = current.nested; n > 0; n--) stack.pop();
    } else if (word === 'break' || word === 'continue') {
      if (!stack.some(({ branch }) => branch.kind === 'range')) throw new TemplateError(`{{${word}}} outside {{range}}`);
      into().push({ kind: word });
    } else if (word !== '') throw new TemplateError(`{{${word}}} is not supported`);
    else into().push({ kind: 'print', pipe: new Reader(piece.tokens).wholePipe('command') });
  }
  if (stack.length > 0) throw new TemplateError('unexpected EOF');
  return top;
}

/** Reads the tokens of one action from left to right. */
class Reader {
  private at = 0;
  private readonly tokens: Token[];
  constructor(tokens: Token[]) {
    this.tokens = tokens;
  }

  wholePipe(where: string): Pipe {
    const pipe = this.pipe(where);
    const more = this.tokens[this.at];
    if (more) throw new TemplateError(`unexpected ${JSON.stringify(more.text)} in ${where}`);
    return pipe;
  }

  private peek(offset = 0): Token | undefined {
    return this.tokens[this.at + offset];
  }

  private isSymbol(text: string, offset = 0): boolean {
    const token = this.peek(offset);
    return token?.kind === 'symbol' && token.text === text;
  }

  private pipe(where: string): Pipe {
    const variables: string[] = [];
    let assigns = false;
    // $x := …, $i, $x := …, $x = …
    const count = this.isSymbol(',', 1) ? 2 : 1;
    const sign = this.peek(count * 2 - 1);
    if (this.peek()?.kind === 'variable' && sign?.kind === 'symbol' && (sign.text === ':=' || sign.text === '=')) {
      for (let n = 0; n < count; n++) variables.push((this.peek(n * 2) as Token).text);
      assigns = sign.text === '=';
      this.at += count * 2;
    }
    const commands: Command[] = [];
    do commands.push(this.command(where));
    while (this.take('|'));
    return { variables, assigns, commands };
  }

  private take(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.at++;
    return true;
  }

  private command(where: string): Command {
    const operands: Command = [];
    while (this.at < this.tokens.length && !this.isSymbol('|') && !this.isSymbol(')')) operands.push(this.operand(where));
    if (operands.length === 0) throw new TemplateError(`missing value for ${where}`);
    return operands;
  }

  private operand(where: string): Operand {
    const token = this.tokens[this.at++] as Token;
    let operand: Operand;
    if (token.kind === 'field') operand = { kind: 'field', of: { kind: 'dot' }, name: token.text.slice(1) };
    else if (token.kind === 'variable') operand = { kind: 'variable', name: token.text };
    else if (token.kind === 'string' || token.kind === 'number') operand = { kind: 'literal', value: token.value ?? '' };
    else if (token.kind === 'word') operand = word(token.text);
    else if (token.text === '.') operand = { kind: 'dot' };
    else if (token.text === '(') {
      operand = { kind: 'pipe', pipe: this.pipe('parenthesized pipeline') };
      if (!this.take(')')) throw new TemplateError('unclosed left paren');
    } else throw new TemplateError(`unexpected ${JSON.stringify(token.text)} in ${where}`);
    for (let next = this.peek(); next?.kind === 'field' && !next.spaced; next = this.peek()) {
      operand = { kind: 'field', of: operand, name: next.text.slice(1) };
      this.at++;
    }
    return operand;
  }
}

function word(text: string): Operand {
  if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' };
  if (text === 'nil') return { kind: 'literal', value: null };
  return { kind: 'function', name: text };
}
