import type { Door } from '../config/config.ts'
import type { PacketNeeds } from '../capture/needs.ts'
import type { Held } from '../door/held.ts'
import type { Packet } from '../packet/packet.ts'
import type { Authenticator, Claim, Redeemed, SecretStatus, Verdict } from './authenticator.ts'
import type { Judged, Vouched } from './vouched.ts'

/**
 * An authenticator for tests. A claim of any of its doors gets a grant, once for each proof, with the proof's text as
 * the mark of the holder.
 */
export class FakeAuthenticator implements Authenticator<unknown> {
  doors: readonly Door[] = []
  needs: PacketNeeds | undefined
  /** The answer to each packet that is offered. */
  takes = false
  readonly offered: Packet[] = []
  /** The reason why claims are refused; `undefined`: they are granted. */
  refusal: string | undefined
  /** Settles before a claim is answered. */
  ready: Promise<void> = Promise.resolve()
  verdict: Verdict = 'may'
  expiry = Infinity
  isClosed = false
  readonly refreshed: string[] = []
  readonly #used = new Set<unknown>()

  replace(doors: readonly Door[]): void {
    this.doors = doors
  }

  sequences(): readonly never[] {
    return []
  }

  offer(packet: Packet): boolean {
    this.offered.push(packet)
    return this.takes
  }

  async redeem({ door: name, source, protocol, port, proof }: Claim<unknown>): Promise<Redeemed> {
    const wasUsed = this.#used.has(proof)
    this.#used.add(proof)
    await this.ready
    if (this.refusal !== undefined) return { refused: { kind: 'notice', level: 'warning', text: this.refusal } }
    const door = this.doors.find((each) => each.name === name)
    if (door === undefined || wasUsed) return { refused: undefined }
    return { door, source, ms: door.cmdTimeoutMs, holder: String(proof), protocol, port }
  }

  grantFor({ door: name, source, ms, user, protocol, port }: Vouched): Judged {
    const door = this.doors.find((each) => each.name === name)
    if (door === undefined || this.refusal !== undefined) return { refusal: this.refusal ?? 'there is no such door' }
    return { door, source, ms: Math.min(ms, door.cmdTimeoutMs), user, holder: 'vouched', protocol, port }
  }

  mayHold({ door }: Held): Verdict {
    return this.doors.some(({ name }) => name === door) ? this.verdict : 'unknown'
  }

  nextExpiry(): number {
    return this.expiry
  }

  files(): readonly string[] {
    return []
  }

  refresh(folder: string): void {
    this.refreshed.push(folder)
  }

  status(): SecretStatus {
    return {}
  }

  async close(): Promise<void> {
    this.isClosed = true
    await Promise.resolve()
  }
}
