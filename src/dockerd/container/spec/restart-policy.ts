/** `--restart`. */
import { badRequest } from '../../http/api-error.ts';
import type { RestartPolicy } from '../config.ts';

/** @throws 400 */
export function checkRestartPolicy({ Name = '', MaximumRetryCount = 0 }: RestartPolicy): void {
  switch (Name) {
    case 'always':
    case 'unless-stopped':
    case 'no':
      if (MaximumRetryCount !== 0) throw badRequest(`maximum retry count cannot be used with restart policy '${Name}'`);
      return;
    case 'on-failure':
      if (MaximumRetryCount < 0) throw badRequest('maximum retry count cannot be negative');
      return;
    case '':
      return;
    default:
      throw badRequest(`invalid restart policy '${Name}'`);
  }
}

/** Whether anything follows from it. */
export const restarts = (policy: RestartPolicy | undefined): boolean => (policy?.Name ?? '') !== '' && policy?.Name !== 'no';
