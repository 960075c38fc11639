/**
 * The keys of a fleet in etcd. Everything in {@link Keyspace.scopes} is watched by every host. The rest is read only when
 * needed.
 */
export class Keyspace {
  readonly fleet: string
  readonly #news: string

  constructor(fleet: string) {
    this.fleet = fleet
    this.#news = `/postern/${fleet}/`
  }

  /** The parts that every host watches, with a watch each: filling one hides nothing of another. */
  get scopes(): readonly NewsScope[] {
    const documents = [this.document('hosts'), this.document('users'), this.clock]
    return [{ prefix: this.documents, only: documents }, { prefix: this.claimNews }, { prefix: this.openings }]
  }

  /** The prefix of what is at a key of its own. */
  get documents(): string {
    return `${this.#news}doc/`
  }

  /** The beginning of used secrets and of what hosts ask each other about them: one watch tells both, in order. */
  get claimNews(): string {
    return `${this.#news}claim`
  }

  /** The prefix of used secrets. */
  get claims(): string {
    return `${this.claimNews}/`
  }

  claim(mark: string): string {
    return `${this.claims}${mark}`
  }

  /** The prefix of questions and answers of hosts that catch up. */
  get catchUp(): string {
    return `${this.claimNews}-catch-up/`
  }

  question(host: string): string {
    return `${this.catchUp}question/${host}`
  }

  answer(host: string): string {
    return `${this.catchUp}answer/${host}`
  }

  /** A document that an operator signs. */
  document(kind: DocumentKind): string {
    return `${this.documents}${kind}`
  }

  /** The prefix of what hosts tell each other about openings. */
  get openings(): string {
    return `${this.#news}opening/`
  }

  opening(host: string, id: string): string {
    return `${this.openings}${host}/${id}`
  }

  /** A part of a document's content, under its hash. */
  part(hash: string): string {
    return `/postern-part/${this.fleet}/${hash}`
  }

  /** The prefix of the hosts' signs of life. */
  get beats(): string {
    return `/postern-beat/${this.fleet}/`
  }

  beat(host: string): string {
    return `${this.beats}${host}`
  }

  /** The hosts' time signal: each host writes its clock here in turn, and all see it at once. */
  get clock(): string {
    return `${this.documents}clock`
  }

  /** The prefix of tokens that were presented a second time. */
  get secondUses(): string {
    return `/postern-join/${this.fleet}/second/`
  }

  secondUse(host: string): string {
    return `${this.secondUses}${host}`
  }

  /** A message between an invited host and its operator. */
  invitation(id: string, from: 'host' | 'operator' | 'used'): string {
    return `/postern-join/${this.fleet}/${id}/${from}`
  }
}

/** A part of the keys that is watched by itself. */
export interface NewsScope {
  readonly prefix: string
  /** All keys that count below the prefix; absent: all. */
  readonly only?: readonly string[]
}

/** The documents that operators sign: the hosts of the fleet, and its users. */
export type DocumentKind = 'hosts' | 'users'
