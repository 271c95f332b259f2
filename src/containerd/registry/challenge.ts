/**
 * What a registry wants as proof, from the WWW-Authenticate headers of its 401.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate
 */
export interface Challenge {
  /** lower case: `bearer`, `basic` */
  scheme: string;
  /** names in lower case: realm, service, scope, error */
  parameters: Record<string, string>;
}

/** A scheme begins where a word is followed by a blank and `name=`, or by nothing; a parameter is `name=value` or `name="value"`. */
const TOKEN = /\s*,?\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z/:-]+)))?/y;

/** Every challenge of the header, in its order. What cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(header); match !== null; match = TOKEN.exec(header)) {
    const [, word = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: {} });
    else {
      const current = challenges.at(-1);
      if (current === undefined) break;
      current.parameters[word.toLowerCase()] = value;
    }
  }
  return challenges;
}
