/** The Images service. */
import { create } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ImageCreateSchema, ImageDeleteSchema, ImageUpdateSchema } from '../../proto/containerd/events/image_pb.ts';
import { ImageSchema, type Images, type Image as Message } from '../../proto/containerd/services/images/v1/images_pb.ts';
import { invalidArgument } from '../errors.ts';
import { createImage, deleteImage, getImage, type Image, listImages, updateImage } from '../metadata/images.ts';
import { scopeOf } from '../scope.ts';
import { timestampOf } from '../timestamp.ts';
import type { Services } from './context.ts';

export const imagesService = ({ records, events, collector }: Services): ServiceImpl<typeof Images> => ({
  get: async ({ name }, context) => ({ image: messageOf(getImage(records, scopeOf(context), name)) }),
  list: async ({ filters }, context) => ({ images: listImages(records, scopeOf(context), filters).map(messageOf) }),
  async create({ image, sourceDateEpoch }, context) {
    const scope = scopeOf(context);
    const made = createImage(records, scope, recordOf(image), sourceDateEpoch && timestampDate(sourceDateEpoch));
    const { name, labels } = made;
    events.publish(scope.namespace, '/images/create', ImageCreateSchema, create(ImageCreateSchema, { name, labels }));
    return { image: messageOf(made) };
  },
  async update({ image, updateMask, sourceDateEpoch }, context) {
    const scope = scopeOf(context);
    const at = sourceDateEpoch && timestampDate(sourceDateEpoch);
    const changed = updateImage(records, scope, recordOf(image), updateMask?.paths ?? [], at);
    const { name, labels } = changed;
    events.publish(scope.namespace, '/images/update', ImageUpdateSchema, create(ImageUpdateSchema, { name, labels }));
    collector.schedule();
    return { image: messageOf(changed) };
  },
  async delete({ name, sync, target }, context) {
    const scope = scopeOf(context);
    deleteImage(records, scope, name, target?.digest);
    events.publish(scope.namespace, '/images/delete', ImageDeleteSchema, create(ImageDeleteSchema, { name }));
    if (sync) await collector.collect();
    else collector.schedule();
    return {};
  },
});

function messageOf({ name, labels, target, createdAt, updatedAt }: Image): Message {
  return create(ImageSchema, {
    name,
    labels,
    target: { ...target, size: BigInt(target.size) },
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
  });
}

function recordOf(message: Message | undefined): Image {
  if (!message) throw invalidArgument('image must be given');
  const { name, labels, target } = message;
  const { mediaType = '', digest = '', size = 0n, annotations = {} } = target ?? {};
  return { name, labels, target: { mediaType, digest, size: Number(size), annotations }, createdAt: '', updatedAt: '' };
}
