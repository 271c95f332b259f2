/** Creating a container of an image, with the download of what is missing: what `run` and `create` share. */
import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../usage-error.ts';
import type { Connection } from './connect/connect.ts';
import { type AnswerError, answerOf } from './connect/failed.ts';
import { ask } from './connect/request.ts';
import { createRequest } from './container/create-request.ts';
import type { CreateFlags } from './container/flags.ts';
import { terminalSize } from './streams/terminal-size.ts';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `open ${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : (error as Error).message}`,
    );
  }
}

/** The request for these options on this machine. @throws UsageError */
export const requestFor = (flags: CreateFlags, image: string, command: readonly string[], api: number) =>
  createRequest(flags, image, command, {
    env: process.env,
    readFile: read,
    absolute: (path) => resolve(path),
    consoleSize: terminalSize(),
    api,
  });

export interface Created {
  Id: string;
  Warnings: string[] | null;
}

/** @returns the container's id @throws UsageError, CommandFailed, AnswerError */
export async function createContainer(
  connection: Connection,
  flags: CreateFlags,
  image: string,
  command: readonly string[],
): Promise<string> {
  const { cidfile } = flags;
  if (cidfile !== undefined && existsSync(cidfile))
    throw new UsageError(`container ID file found, make sure the other container isn't running or delete ${cidfile}`);
  const { query, body } = requestFor(flags, image, command, connection.api);
  const pull = () => pullFor(connection, flags, image);
  if (flags.pull === 'always') await pull();
  const create = () => ask<Created>(connection, '/containers/create', { method: 'POST', query, body });
  let created: Created;
  try {
    created = await create();
  } catch (error) {
    if (!isMissingImage(error) || flags.pull === 'never' || flags.pull === 'always') throw error;
    if (!flags.quiet) writeSync(2, `Unable to find image '${await familiar(image)}' locally\n`);
    await pull();
    created = await create();
  }
  for (const warning of created.Warnings ?? []) writeSync(2, `WARNING: ${warning}\n`);
  if (cidfile !== undefined) writeFileSync(cidfile, created.Id);
  return created.Id;
}

async function pullFor(connection: Connection, flags: CreateFlags, image: string): Promise<void> {
  const { referenceOf, withDefaultTag } = await import('./reference.ts');
  const { pullImage } = await import('./pull.ts');
  await pullImage(connection, withDefaultTag(referenceOf(image)), { platform: flags.platform, quiet: flags.quiet, to: process.stderr });
}

const isMissingImage = (error: unknown): boolean =>
  (error as AnswerError).statusCode === 404 && /no such image/i.test(answerOf(error as AnswerError));

/** Downloads the image, if it is not there, or as --pull says. @throws CommandFailed, AnswerError */
export async function ensureImage(connection: Connection, flags: CreateFlags, image: string): Promise<void> {
  if (flags.pull === 'always') return pullFor(connection, flags, image);
  try {
    await ask(connection, `/images/${image}/json`);
  } catch (error) {
    if (!isMissingImage(error) || flags.pull === 'never') throw error;
    await pullFor(connection, flags, image);
  }
}

async function familiar(image: string): Promise<string> {
  const { familiarReference, referenceOf, withDefaultTag } = await import('./reference.ts');
  return familiarReference(withDefaultTag(referenceOf(image)));
}
