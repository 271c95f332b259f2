/** `--cpuset-cpus`, `--cpuset-mems`: cpuset(7), "List format". */
import { numbersOf } from '../../../runc/spec/number-list.ts';
import { badRequest } from '../../http/api-error.ts';

const LIST = /^(\d+(-\d+)?)(,\d+(-\d+)?)*$/;

function parsed(list: string, words: string): number[] {
  try {
    if (LIST.test(list)) return numbersOf(list);
  } catch {
    // a range that runs backwards: said below, in Docker's words
  }
  throw badRequest(`Invalid value ${list} for cpuset ${words}: invalid format: ${list}`);
}

/**
 * @param available what the machine has, as a list
 * @param field for errors
 * @throws 400 for a list that is none, or that names what is not there
 */
export function checkCpuset(list: string | undefined, available: string, field: 'cpus' | 'mems'): void {
  if (!list) return;
  const there = new Set(numbersOf(available));
  if (parsed(list, field).every((n) => there.has(n))) return;
  const what = field === 'cpus' ? 'CPUs' : 'memory nodes';
  throw badRequest(`Requested ${what} are not available - requested ${list}, available: ${available}`);
}
