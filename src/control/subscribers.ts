import type { Socket } from 'node:net'
import type { KeptEvents } from '../log/kept-events.ts'
import type { Asker } from './asker.ts'
import { filterOf, notANetwork } from './event-filter.ts'
import type { EventsRequest, Reply } from './message.ts'
import { Subscriber } from './subscriber.ts'

/** The most readers of events at a time: root's, all members', and those of one member. */
export const OWNER_SUBSCRIBERS_MAX = 8
export const MEMBERS_SUBSCRIBERS_MAX = 4
export const MEMBER_SUBSCRIBERS_MAX = 1

interface Subscribed {
  readonly subscriber: Subscriber
  readonly client: Socket
  readonly asker: Asker
}

function now(): number {
  return Date.now()
}

/** The readers of events. Without one, an event costs a look at an empty set. */
export class Subscribers {
  readonly #events: KeptEvents
  readonly #all = new Set<Subscribed>()
  #unlisten: (() => void) | undefined

  constructor(events: KeptEvents) {
    this.#events = events
  }

  /** Has a connection get events from now on. Returns the reason if it does not. */
  add(request: EventsRequest, asker: Asker, client: Socket): Extract<Reply, { error: string }> | undefined {
    const same = [...this.#all].filter((each) => each.asker.isOwner === asker.isOwner)
    const own = same.filter((each) => each.asker.user === asker.user)
    const isFull = asker.isOwner
      ? same.length >= OWNER_SUBSCRIBERS_MAX
      : same.length >= MEMBERS_SUBSCRIBERS_MAX || own.length >= MEMBER_SUBSCRIBERS_MAX
    if (isFull) return { error: 'too many readers of events', hint: 'end another postern events first' }
    const accepts = filterOf(request, asker.isOwner, now())
    if (typeof accepts === 'string') return notANetwork(accepts)
    const cursor = this.#events.read()
    const subscriber = new Subscriber({ client, cursor, accepts, follow: request.follow === true, now })
    const subscribed = { subscriber, client, asker }
    this.#all.add(subscribed)
    client.on('drain', () => subscriber.drained())
    client.once('close', () => {
      subscriber.close()
      this.#all.delete(subscribed)
      if (this.#all.size > 0) return
      this.#unlisten?.()
      this.#unlisten = undefined
    })
    this.#unlisten ??= this.#events.listen(() => {
      for (const each of this.#all) each.subscriber.soon()
    })
    subscriber.soon()
    return undefined
  }

  /** Ends the readers among the members of Control_Group, after that has changed. */
  endMembers(): void {
    for (const { asker, client } of this.#all) if (!asker.isOwner) client.destroy()
  }

  /** Writes the last events to all readers, and ends them. */
  finish(): void {
    for (const { subscriber } of this.#all) subscriber.finish()
  }
}
