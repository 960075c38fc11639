/** How a program that was run to its end ended, and what it printed. */
export interface Ran {
  /** `null`: ended by a signal, or never started. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a try at a port met: an answer of the service, a refusal, or nothing. */
export type Answer = 'open' | 'refused' | 'silent'

/** A port to be tried, and the address to try it from. */
export interface Spot {
  readonly protocol: 'tcp' | 'udp'
  readonly host: string
  readonly port: number
  readonly source: string
}

/** A knock as it is asked for. */
export interface KnockOrder {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Milliseconds to wait before it. */
  readonly afterMs?: number
}

/** Knocks at a host, from an address. */
export interface KnocksOrder {
  readonly host: string
  readonly source: string
  readonly knocks: readonly KnockOrder[]
}

/** What can be asked of an agent in a namespace, and what it answers. */
export interface Orders {
  /** Runs a program to its end. */
  readonly run: { readonly ask: { readonly argv: readonly string[]; readonly input?: string }; readonly answer: Ran }
  /** Writes a file that only its owner can read; its folder is made. */
  readonly write: { readonly ask: { readonly path: string; readonly text: string }; readonly answer: null }
  /** Starts a program whose lines are sent on under a name. */
  readonly start: { readonly ask: { readonly name: string; readonly argv: readonly string[] }; readonly answer: null }
  /** Ends it, by SIGTERM and in the end by SIGKILL. */
  readonly stop: { readonly ask: { readonly name: string }; readonly answer: null }
  /** Listens on a port, IPv4 and IPv6, and sends back whatever comes. */
  readonly listen: {
    readonly ask: { readonly protocol: 'tcp' | 'udp'; readonly port: number }
    readonly answer: null
  }
  readonly knock: { readonly ask: KnocksOrder; readonly answer: null }
  /** One try at a port. */
  readonly attempt: { readonly ask: { readonly spot: Spot; readonly limitMs: number }; readonly answer: Answer }
  /**
   * Knocks, then tries the port until it is open: milliseconds from the last knock to the answer, `null` where none
   * came within the limit. The connection is held.
   */
  readonly enter: {
    readonly ask: KnocksOrder & { readonly spot: Spot; readonly limitMs: number }
    readonly answer: number | null
  }
  /** Whether the connection that is held still carries something to the other end and back. */
  readonly speak: { readonly ask: { readonly spot: Spot; readonly limitMs: number }; readonly answer: boolean }
  /** Gives the held connection up. */
  readonly release: { readonly ask: { readonly spot: Spot }; readonly answer: null }
  /** Tries the port until it is shut: milliseconds from now to the first try that failed, `null` where all went through. */
  readonly shut: { readonly ask: { readonly spot: Spot; readonly limitMs: number }; readonly answer: number | null }
}

export type OrderName = keyof Orders

/** A line to an agent. */
export interface OrderLine {
  readonly id: number
  readonly order: OrderName
  readonly ask: unknown
}

/** A line from an agent: that it is there, an answer, a failure, or a line that a started program printed. */
export type AgentLine =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string }
  | { readonly kind: 'line'; readonly name: string; readonly line: string }
  | { readonly kind: 'ended'; readonly name: string; readonly code: number | null }
