/** The files of containers: copied in and out, exported, compared with the image. */
import { pipeline } from 'node:stream/promises';
import { textOf } from '../../containerd/log.ts';
import { archiveOf } from '../container/files/archive.ts';
import { exportFiles } from '../container/files/export.ts';
import { extractInto } from '../container/files/extract.ts';
import { listChanges } from '../container/files/list-changes.ts';
import { pathStat, STAT_HEADER, statHeader } from '../container/files/path-stat.ts';
import { type Place, withPlace } from '../container/files/place.ts';
import { withFiles } from '../container/files/root.ts';
import { userOf } from '../container/spec/user.ts';
import { userFilesBelow } from '../container/users.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import type { Call } from '../http/call.ts';
import { flag } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';

function pathOf(call: Call): string {
  const path = call.query.get('path') ?? '';
  if (path === '') throw badRequest('bad parameter: path cannot be empty');
  if (path.includes('\0')) throw badRequest('bad parameter: path has a NUL in it');
  return path;
}

const statOf = ({ name, node, size, linkTarget }: Place): string => statHeader(pathStat(name, node, size, linkTarget));

export function containerFileRoutes(daemon: Daemon): Route[] {
  const { containers, log } = daemon;
  /** A body that has begun cannot say any more that something went wrong, but by its end. */
  const send = async (call: Call, what: string, body: NodeJS.ReadableStream): Promise<void> => {
    try {
      await pipeline(body, call.stream('application/x-tar'));
    } catch (error) {
      if (!call.signal.aborted) log('error', what, { error: textOf(error) });
      call.response.destroy();
    }
  };
  return [
    route('HEAD', '/containers/{id}/archive', async (call) => {
      const id = call.params.id as string;
      const path = pathOf(call);
      const header = await withFiles(daemon, containers.get(id), (root) => withPlace(root, path, id, async (place) => statOf(place)));
      call.response.setHeader(STAT_HEADER, header);
      call.empty(200);
    }),
    route('GET', '/containers/{id}/archive', async (call) => {
      const id = call.params.id as string;
      const path = pathOf(call);
      const container = containers.get(id);
      const places = new Set(container.record.Mounts.map(({ Destination }) => Destination));
      await withFiles(daemon, container, (root) =>
        withPlace(root, path, id, async (place) => {
          call.response.setHeader(STAT_HEADER, statOf(place));
          container.tell('archive-path');
          await send(call, `copying ${path} out of container ${id}`, archiveOf(place, root, places));
        }),
      );
    }),
    route('PUT', '/containers/{id}/archive', async (call) => {
      const id = call.params.id as string;
      const path = pathOf(call);
      const container = containers.get(id);
      const { User = '' } = container.record.Config;
      const noOverwriteDirNonDir = flag(call.query, 'noOverwriteDirNonDir');
      await withFiles(daemon, container, async (root) => {
        const owned = flag(call.query, 'copyUIDGID') && User !== '';
        const owner = owned ? userOf(User, [], userFilesBelow(`/proc/self/fd/${root.fd}`)) : undefined;
        await extractInto(root, container.record, id, call.body, { path, noOverwriteDirNonDir, owner });
      });
      container.tell('extract-to-dir');
      call.empty(200);
    }),
    route('GET', '/containers/{id}/export', async (call) => {
      const container = containers.get(call.params.id as string);
      const tar = await exportFiles(daemon, container);
      container.tell('export');
      await send(call, `export of container ${container.id}`, tar);
    }),
    route('GET', '/containers/{id}/changes', async (call) =>
      call.reply(200, await listChanges(daemon, containers.get(call.params.id as string))),
    ),
  ];
}
