/** Downloading an image: `pull`, and what `run` and `create` do when it is missing. */
import type { Connection } from './connect/connect.ts';
import { askStream } from './connect/request.ts';
import { registryAuth } from './credentials.ts';
import { showProgress } from './output/progress.ts';
import { type Reference, repositoryOf } from './reference.ts';

export interface PullOptions {
  platform?: string | undefined;
  quiet?: boolean | undefined;
  allTags?: boolean | undefined;
  to: NodeJS.WriteStream;
}

/** @throws CommandFailed, AnswerError */
export async function pullImage(
  connection: Connection,
  reference: Reference,
  { platform, quiet, allTags, to }: PullOptions,
): Promise<void> {
  const answer = await askStream(connection, '/images/create', {
    method: 'POST',
    query: {
      fromImage: repositoryOf(reference),
      tag: allTags ? undefined : (reference.digest ?? reference.tag ?? 'latest'),
      platform,
    },
    registryAuth: await registryAuth(reference.domain),
  });
  await showProgress(answer, { to, quiet: quiet === true });
}
