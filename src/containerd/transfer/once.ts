/** Work that two ask for at once is done once, and both get its result. */
const running = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * @param owner whose work it is: a store. Work of two stores is never the same
 * Whoever waits for somebody else's work that fails does it anew: the failure may be the other's own (an abort, a password).
 */
export async function once<T>(owner: object, key: string, act: () => Promise<T>): Promise<T> {
  const own = running.get(owner) ?? new Map<string, Promise<unknown>>();
  running.set(owner, own);
  for (let other = own.get(key); other !== undefined; other = own.get(key)) {
    try {
      return (await other) as T;
    } catch {
      if (own.get(key) === other) own.delete(key);
    }
  }
  const work = act();
  own.set(key, work);
  try {
    return await work;
  } finally {
    if (own.get(key) === work) own.delete(key);
  }
}
