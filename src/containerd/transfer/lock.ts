/** One at a time for each key, in this process. */
const tails = new Map<string, Promise<unknown>>();

export async function locked<T>(key: string, act: () => Promise<T>): Promise<T> {
  const before = tails.get(key);
  const own = (async () => {
    await before?.catch(() => {});
    return act();
  })();
  tails.set(key, own);
  try {
    return await own;
  } finally {
    if (tails.get(key) === own) tails.delete(key);
  }
}
