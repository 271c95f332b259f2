import { Code, ConnectError, type ConnectRouter, createClient, type HandlerContext } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { inMemoryTransport } from '../../../src/containerd/in-memory.ts';
import { Containers } from '../../../src/proto/containerd/services/containers/v1/containers_pb.ts';
import { Images } from '../../../src/proto/containerd/services/images/v1/images_pb.ts';

let context: HandlerContext | undefined;
let logged: string[] = [];

const services = (router: ConnectRouter) =>
  void router.service(Containers, {
    async get({ id }, given) {
      context = given;
      if (id === 'broken') throw new TypeError('a mistake of ours');
      if (id === 'absent') throw new ConnectError('container "absent": not found', Code.NotFound);
      if (id === 'slow') return new Promise(() => undefined);
      return { container: { id, image: given.requestHeader.get('containerd-namespace') ?? '' } };
    },
    async *listStream() {
      yield { container: { id: 'one' } };
      yield { container: { id: 'two' } };
    },
  });

function client() {
  logged = [];
  return createClient(
    Containers,
    inMemoryTransport(services, (_level, what) => logged.push(what)),
  );
}

it('answers with a whole message, whatever the service has left out', async () => {
  const { container } = await client().get({ id: 'a' }, { headers: { 'containerd-namespace': 'moby' } });
  expect(container).toMatchObject({ $typeName: 'containerd.services.containers.v1.Container', id: 'a', image: 'moby', snapshotter: '' });
});

it('streams as Connect does', async () => {
  const found: string[] = [];
  for await (const { container } of client().listStream({})) found.push(container?.id ?? '');
  expect(found).toEqual(['one', 'two']);
});

it('passes errors of a service on, and tells the text of others', async () => {
  await expect(client().get({ id: 'absent' })).rejects.toMatchObject({ code: Code.NotFound, rawMessage: 'container "absent": not found' });
  expect(logged).toEqual([]);
  await expect(client().get({ id: 'broken' })).rejects.toMatchObject({ code: Code.Unknown, rawMessage: 'a mistake of ours' });
  expect(logged).toEqual(['call failed']);
});

it('refuses what is not served', async () => {
  await expect(client().delete({ id: 'a' })).rejects.toMatchObject({ code: Code.Unimplemented });
  const other = createClient(
    Images,
    inMemoryTransport(services, () => undefined),
  );
  await expect(other.get({ name: 'a' })).rejects.toMatchObject({ code: Code.Unimplemented });
});

it('lets the caller give up, and tells the service', async () => {
  const giveUp = new AbortController();
  const asked = client().get({ id: 'slow' }, { signal: giveUp.signal });
  giveUp.abort();
  await expect(asked).rejects.toMatchObject({ code: Code.Canceled });
  expect(context?.signal.aborted).toBe(true);
  await expect(client().get({ id: 'slow' }, { timeoutMs: 5 })).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  expect(context?.signal.aborted).toBe(true);
  expect(context?.timeoutMs()).toBe(0);
});
