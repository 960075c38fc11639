import type { TokenBucket } from '../../../limit/token-bucket.ts'
import type { Address } from '../../../packet/address.ts'
import { networkOf } from '../../../packet/network.ts'
import type { Network } from '../../../packet/network.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { encodeBase64 } from '../../../spa/base64.ts'
import type { Hmac, Rijndael } from '../packet.ts'
import type { Stanza } from '../stanza.ts'

/**
 * The shortest prefix of a SOURCE that names someone, in bits. In a larger network are too many of the addresses that a
 * forger picks at random.
 */
const NAMING_MIN_BITS = 8

/** A stanza to try a packet with. */
export interface Trial {
  readonly door: PacketDoor
  readonly stanza: Stanza
}

/** A stanza whose SOURCE names its senders, with a share of the time of its own. */
export interface NamedTrial extends Trial {
  readonly share: TokenBucket
  /** Its place in the order of the files. */
  readonly at: number
}

/**
 * The stanzas of all doors, by the networks in their SOURCE. Finding those of a packet takes a look-up for each length
 * of prefix, however many stanzas there are.
 */
export class Trials {
  /** The other stanzas, in the order of the files. */
  readonly others: readonly Trial[]
  readonly #named = new Map<string, NamedTrial[]>()
  readonly #prefixes: readonly number[]

  /** @param share makes the share of a stanza */
  constructor(trials: readonly Trial[], share: () => TokenBucket) {
    const stanzas = trials.map(({ stanza }) => stanza)
    // Of stanzas that one packet opens the first one decides, so such stanzas are named together or not at all.
    const sealed = new Set(stanzas.flatMap(({ gnupg, hmac }) => (gnupg && hmac ? [textOf(hmac)] : [])))
    const shared = new Set(stanzas.filter((stanza) => !isNaming(stanza)).map((stanza) => keysOf(stanza, sealed)))
    const [named, others]: [NamedTrial[], Trial[]] = [[], []]
    for (const [at, trial] of trials.entries()) {
      if (isNaming(trial.stanza) && !shared.has(keysOf(trial.stanza, sealed)))
        named.push({ ...trial, at, share: share() })
      else others.push(trial)
    }
    const prefixes = new Set<number>()
    for (const trial of named) {
      for (const { address, prefix } of trial.stanza.sources) {
        prefixes.add(prefix)
        const key = keyOf(address, prefix)
        const there = this.#named.get(key)
        if (there === undefined) this.#named.set(key, [trial])
        else if (!there.includes(trial)) there.push(trial)
      }
    }
    this.others = others
    this.#prefixes = [...prefixes]
  }

  /** Returns the stanzas whose SOURCE names a sender, in the order of the files. */
  named(source: Address): readonly NamedTrial[] {
    let found: readonly NamedTrial[] = []
    for (const prefix of this.#prefixes) {
      const more = this.#named.get(keyOf(source, prefix))
      if (more !== undefined) found = found.length === 0 ? more : [...new Set([...found, ...more])]
    }
    return found.length > 1 ? found.toSorted((one, other) => one.at - other.at) : found
  }
}

function isSmall({ prefix }: Network): boolean {
  return prefix >= NAMING_MIN_BITS
}

/** A stanza for gpg without an HMAC has no key that tells its packets from those of others. */
function isNaming({ sources, gnupg, hmac }: Stanza): boolean {
  return sources.length > 0 && sources.every(isSmall) && (gnupg === undefined || hmac !== undefined)
}

/**
 * Returns the keys that have to fit a packet, as text.
 *
 * @param sealed the HMAC keys of stanzas for gpg, whose own keys are not known here
 */
function keysOf({ rijndael, hmac }: Stanza, sealed: ReadonlySet<string>): string {
  const mac = textOf(hmac)
  return sealed.has(mac) ? mac : `${mac} ${textOf(rijndael)}`
}

function textOf(each: Hmac | Rijndael | undefined): string {
  return each === undefined ? '-' : encodeBase64(each.key)
}

function keyOf(address: Address, prefix: number): string {
  const { family, a, b, c, d } = networkOf(address, prefix).address
  return `${family} ${prefix} ${a} ${b} ${c} ${d}`
}
