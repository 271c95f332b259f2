/** What `docker events` is told of images. */
import type { Events } from '../events.ts';
import type { Image } from './images.ts';

/**
 * @param name what the event is about, as it was asked for: a name or an id
 * @param labels of the image: events can be filtered by them
 */
export function tellOfImage(events: Events, action: string, id: string, name: string, image?: Pick<Image, 'config'>): void {
  events.publish('image', action, id, { ...image?.config.config?.Labels, name });
}
