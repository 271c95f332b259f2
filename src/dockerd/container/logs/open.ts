/** A container's log: opened to be written, or to be read. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiError } from '../../http/api-error.ts';
import type { ContainerRecord } from '../record.ts';
import { attributesOf } from './attributes.ts';
import { type LogConfig, logSettings } from './drivers.ts';
import { type ReadOptions, readLog } from './read.ts';
import { type LogWriter, openWriter } from './writer.ts';

const configOf = ({ HostConfig: { LogConfig } }: ContainerRecord): LogConfig => ({
  Type: LogConfig?.Type || 'json-file',
  Config: LogConfig?.Config ?? {},
});

/**
 * Opens the log of a container that runs, or is about to; it goes on where it stood.
 * @param folder the container's, which is there
 * @param command what it runs, for the tag
 * @param failed is told what could not be written
 * @returns undefined for the driver `none`
 * @throws Error of the file system
 */
export function openLog(
  record: ContainerRecord,
  folder: string,
  command: readonly string[],
  failed: (error: unknown) => void,
): LogWriter | undefined {
  const config = configOf(record);
  const settings = logSettings(config, folder, record.Id);
  if (!settings) return undefined;
  const attributes = attributesOf(config.Config, {
    id: record.Id,
    name: record.Name,
    imageName: record.Config.Image ?? '',
    imageId: record.Image,
    command,
    env: record.Config.Env ?? [],
    labels: record.Config.Labels ?? {},
  });
  mkdirSync(dirname(settings.path), { recursive: true, mode: 0o700 });
  return openWriter({ ...settings, attributes }, failed);
}

/**
 * Reads the log of a container, whether it runs or not; see {@link readLog}.
 * @param writer while it runs
 * @throws 501 for the driver `none`
 */
export function readLogOf(
  record: ContainerRecord,
  folder: string,
  writer: LogWriter | undefined,
  options: ReadOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const settings = logSettings(configOf(record), folder, record.Id);
  if (!settings) throw new ApiError(501, 'configured logging driver does not support reading');
  return readLog({ path: settings.path, maxFiles: settings.maxFiles, live: writer?.file }, options, signal);
}
