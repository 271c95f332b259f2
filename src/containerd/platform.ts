/** This machine, in the words that images use, which are Go's. */
const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export const goArchitecture = (): string => ARCHITECTURES[process.arch] ?? process.arch;
