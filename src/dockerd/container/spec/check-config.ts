/** What can be wrong with a ContainerConfig: the command's surroundings. */
import { posix } from 'node:path';
import { parseSignal } from '../../../runc/spec/signals.ts';
import { badRequest } from '../../http/api-error.ts';
import type { ContainerConfig, Healthcheck } from '../config.ts';
import { checkPort } from './ports.ts';

/** The kernel stores no more: __NEW_UTS_LEN. */
const LONGEST_NAME = 64;
const MILLISECOND = 1_000_000;

function checkHealthcheck(check: Healthcheck): void {
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = check[field] ?? 0;
    if (value !== 0 && value < MILLISECOND) throw badRequest(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((check.Retries ?? 0) < 0) throw badRequest('Retries in Healthcheck cannot be negative');
}

/** A signal by name or number. @throws 400 */
export function checkSignal(signal: string): void {
  try {
    if (parseSignal(signal) > 0) return;
  } catch {
    // said below, in Docker's words
  }
  throw badRequest(`Invalid signal: ${signal}`);
}

/**
 * @returns the config with the working directory cleaned
 * @throws ApiError 400 in Docker's words
 */
export function checkConfig(config: ContainerConfig): ContainerConfig {
  const { WorkingDir, StopSignal, Env = [], Healthcheck: check, ExposedPorts = {} } = config;
  if (WorkingDir && !WorkingDir.startsWith('/'))
    throw badRequest(`the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`);
  if (StopSignal) checkSignal(StopSignal);
  for (const variable of Env) {
    if (variable === '' || variable.startsWith('=')) throw badRequest(`invalid environment variable: ${variable}`);
    if (variable.includes('\0')) throw badRequest(`invalid environment variable: ${JSON.stringify(variable)} has a NUL byte`);
  }
  if (check) checkHealthcheck(check);
  for (const field of ['Hostname', 'Domainname'] as const) {
    const name = config[field] ?? '';
    if (Buffer.byteLength(name) > LONGEST_NAME)
      throw badRequest(`${field.toLowerCase()} ${JSON.stringify(name)} is too long (maximum ${LONGEST_NAME} bytes)`);
    if (/[\s\0]/.test(name)) throw badRequest(`invalid ${field.toLowerCase()} format: ${JSON.stringify(name)}`);
  }
  for (const port of Object.keys(ExposedPorts)) checkPort(port);
  return { ...config, ...(WorkingDir ? { WorkingDir: posix.resolve('/', WorkingDir) } : {}) };
}
