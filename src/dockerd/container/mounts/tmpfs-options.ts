/** The options of `--mount type=tmpfs`, as tmpfs(5) has them. */
import type { ApiError } from '../../http/api-error.ts';
import type { MountRequest } from '../config.ts';

/** The largest unit that divides it: `size=64m` is easier to read in `mount` than bytes. */
function sizeText(bytes: number): string {
  for (const [unit, factor] of [
    ['g', 1 << 30],
    ['m', 1 << 20],
    ['k', 1 << 10],
  ] as const)
    if (bytes % factor === 0) return `${bytes / factor}${unit}`;
  return String(bytes);
}

/** @param refuse makes the error of what is wrong */
export function tmpfsOptions(asked: MountRequest['TmpfsOptions'], refuse: (what: string) => ApiError): string[] {
  const { SizeBytes = 0, Mode = 0, Options = [] } = asked ?? {};
  if (SizeBytes < 0) throw refuse(`SizeBytes: ${SizeBytes} is less than 0`);
  if (Mode < 0 || Mode > 0o7777) throw refuse(`Mode: ${Mode} is no mode of a file`);
  const words = Options.map((option) => {
    const [name = ''] = option;
    if (option.length < 1 || option.length > 2) throw refuse('invalid option array length');
    if (name !== 'exec' && name !== 'noexec') throw refuse(`invalid option: ${name}`);
    return option.join('=');
  });
  return [...(Mode ? [`mode=${Mode.toString(8)}`] : []), ...(SizeBytes ? [`size=${sizeText(SizeBytes)}`] : []), ...words];
}
