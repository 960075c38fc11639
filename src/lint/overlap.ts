import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { FlagTest } from '../config/config.ts'
import { OPENING_FLAGS } from '../config/flags.ts'
import { fixedKnocks } from '../config/secret.ts'
import { anySizeOf, keyOf } from '../gate/knock-key.ts'
import type { PlacedDoor } from './placed-door.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'

/** The properties of a door that are compared with those of other doors. */
interface Way {
  readonly name: string
  readonly line: number
  readonly flags: FlagTest
  /** The place of the door's sequence. */
  readonly at: { readonly line: number; readonly valueColumn: number }
  /** Target and knocks, as {@link wayOf} encodes them. */
  readonly text: string
  /** The same without the sizes of datagrams: a client that sends those also sends these. */
  readonly anySize: string
}

/**
 * Warns of two doors for which the same packets count: equal sequences, a sequence that begins another, and rotations.
 * Each door costs one look-up for each sequence length and each of its knocks, whatever the number of doors. A shorter
 * sequence is reported once, with the first of the longer ones. A rotation is reported once, with an earlier door.
 */
export class Overlaps {
  readonly #faults: FaultList
  readonly #ways: Way[] = []
  /** The doors of each text. There is more than one only if no packet counts for two of them. */
  readonly #whole = new Map<string, Way[]>()
  readonly #lengths = new Set<number>()

  constructor(faults: FaultList) {
    this.#faults = faults
  }

  add({ door: { name, line, secret, tcpFlags, target }, entries }: PlacedDoor): void {
    // A sequence in front of a code opens nothing by itself.
    const knocks = fixedKnocks(secret)
    if (knocks.length === 0 || entries.sequence === undefined) return
    const way: Way = {
      name,
      line,
      flags: tcpFlags ?? OPENING_FLAGS,
      at: entries.sequence,
      text: wayOf(target, knocks.map(keyOf)),
      anySize: wayOf(target, knocks.map(anySizeOf)),
    }
    this.#ways.push(way)
    this.#lengths.add(knocks.length)
    const there = this.#whole.get(way.text)
    const twin = there?.find((other) => meet(other, way))
    if (twin !== undefined) {
      const message = `door ${quote(name)} has the same sequence as ${quote(twin.name)} (line ${twin.line})`
      this.#faults.warning(way.at.line, way.at.valueColumn, message, 'one knock opens both')
    } else if (there === undefined) this.#whole.set(way.text, [way])
    else there.push(way)
  }

  end(): void {
    const told = new Set<Way>()
    for (const way of this.#ways) {
      const own = knocksIn(way.text)
      for (const length of this.#lengths) {
        if (length >= own) continue
        for (const shorter of this.#whole.get(way.text.slice(0, (length - own) * KNOCK_UNITS)) ?? []) {
          if (told.has(shorter) || !meet(shorter, way)) continue
          told.add(shorter)
          this.#warnOfShorter(shorter, way)
        }
      }
      this.#warnOfAnySize(way)
      this.#warnOfRotation(way)
    }
  }

  #warnOfAnySize(way: Way): void {
    const other = way.anySize === way.text ? undefined : this.#whole.get(way.anySize)?.find((one) => meet(one, way))
    if (other === undefined) return
    const message = `door ${quote(way.name)} has the sequence of ${quote(other.name)} (line ${other.line}) with sizes`
    this.#faults.warning(way.at.line, way.at.valueColumn, message, 'its knock opens both')
  }

  #warnOfRotation(way: Way): void {
    // A door with the same sequence as an earlier one is not checked again.
    if (!this.#whole.get(way.text)!.includes(way)) return
    const begin = way.text.indexOf('\n') + 1
    for (let at = begin + KNOCK_UNITS; at < way.text.length; at += KNOCK_UNITS) {
      const rotation = way.text.slice(0, begin) + way.text.slice(at) + way.text.slice(begin, at)
      const other = this.#whole.get(rotation)?.find((one) => one.line < way.line && meet(one, way))
      if (other === undefined || rotation === way.text) continue
      const { line, valueColumn } = way.at
      const message = `the sequence of door ${quote(way.name)} is a rotation of the one of ${quote(other.name)} (line ${other.line})`
      const hint = 'a lost knock can make the next try open the other door: choose other ports'
      this.#faults.warning(line, valueColumn, message, hint)
      return
    }
  }

  #warnOfShorter(shorter: Way, way: Way): void {
    const { line, valueColumn } = shorter.at
    const message = `the sequence of door ${quote(shorter.name)} is the beginning of the one of ${quote(way.name)} (line ${way.line})`
    this.#faults.warning(line, valueColumn, message, 'anyone who knocks the other opens this one on the way')
  }
}

/** UTF-16 units of a knock in a way: the halves of its key. */
const KNOCK_UNITS = 2

function knocksIn(way: string): number {
  return (way.length - way.indexOf('\n') - 1) / KNOCK_UNITS
}

/** Encodes target and knocks as a string. A sequence that begins another gives a string that begins another. */
function wayOf(target: Address | undefined, keys: readonly number[]): string {
  // The string is made in one piece: one put together bit by bit is copied again when it becomes a key.
  const units: number[] = []
  for (const key of keys) units.push(key >>> 16, key & 0xffff)
  const way = `\n${String.fromCharCode(...units)}`
  return target === undefined ? way : formatAddress(target) + way
}

/** Returns true if some TCP packets count for both doors. */
function meet({ flags: one }: Way, { flags: other }: Way): boolean {
  return (one.mask & other.mask & (one.want ^ other.want)) === 0
}
