/** Whether one JSON answer has all that another one has: the names and kinds of values, not the values. */

/** What may stand where the other has nothing. */
const isNothing = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0);

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);

/**
 * One sentence for each thing that is missing or of another kind; nothing when all is there. Of
 * lists the first entries are compared. More than what is wanted is fine.
 * @param except paths that need not be there, `.DriverStatus`; entries of lists are `[0]`
 */
export function missingFrom(wanted: unknown, found: unknown, except: readonly string[] = [], path = ''): string[] {
  if (except.includes(path) || isNothing(wanted) || (found === null && kindOf(wanted) === 'object')) return [];
  if (kindOf(wanted) !== kindOf(found)) return isNothing(found) ? [] : [`${path}: ${kindOf(found)} in place of ${kindOf(wanted)}`];
  if (Array.isArray(wanted)) {
    const [first] = found as unknown[];
    return first === undefined ? [] : missingFrom(wanted[0], first, except, `${path}[0]`);
  }
  if (kindOf(wanted) !== 'object') return [];
  return Object.entries(wanted as object).flatMap(([name, value]) => {
    const inside = `${path}.${name}`;
    if (except.includes(inside)) return [];
    if (!Object.hasOwn(found as object, name)) return [`${inside}: missing`];
    return missingFrom(value, (found as Record<string, unknown>)[name], except, inside);
  });
}
