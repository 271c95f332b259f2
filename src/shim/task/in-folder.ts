/** Another working directory, for something that is done at once: nothing else runs in this process meanwhile. */
export function inFolder<T>(folder: string, act: () => T): T {
  const before = whereabouts();
  process.chdir(folder);
  try {
    return act();
  } finally {
    goBack(before);
  }
}

// A shim may have begun in its first container's bundle, which may be gone by now.

function whereabouts(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** Node remembers the working directory: it may be gone all the same. */
function goBack(folder: string): void {
  try {
    process.chdir(folder);
  } catch {
    process.chdir('/');
  }
}
