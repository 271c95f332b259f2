/** config.json as a text. */
import type { Config, Process } from './config.ts';

/** 2^64-1, "no limit", is a double's 2^64, which is one too many for programs that read 64 bits exactly. */
const TOO_LARGE = /(?<=:\s*)18446744073709552000(?=\s*[,}])/g;

/** What JSON.stringify makes, with limits of 2^64-1 written to the last digit. */
export const configJson = (config: Config | Process): string => JSON.stringify(config).replace(TOO_LARGE, '18446744073709551615');
