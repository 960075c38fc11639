import type { CaptureCounts } from '../native/pcap.ts'

/** The packets of all interfaces since the start. */
export interface PacketCounts {
  /** Packets that the kernel's filters accepted. */
  readonly seen: number
  /** Packets that were decoded and handed on. */
  readonly taken: number
  /** Packets that the kernel dropped because its memory for them was full. They are among those that were seen. */
  readonly lost: number
}

/** Counts packets over several captures, of which some have ended. */
export class PacketTally {
  #seen = 0
  #taken = 0
  #lost = 0

  /** Counts a packet that was decoded. */
  take(): void {
    this.#taken++
  }

  /** Adds the counts of a capture that has ended. */
  end(counts: CaptureCounts | undefined): void {
    this.#seen += counts?.received ?? 0
    this.#lost += counts?.dropped ?? 0
  }

  /** Returns the counts with those of the present captures. */
  with(present: readonly (CaptureCounts | undefined)[]): PacketCounts {
    const received = present.map((counts) => counts?.received ?? 0)
    const dropped = present.map((counts) => counts?.dropped ?? 0)
    return { seen: this.#seen + sum(received), taken: this.#taken, lost: this.#lost + sum(dropped) }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
