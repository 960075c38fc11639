// Messages between threads have no origin: that is for windows.
// oxlint-disable unicorn/require-post-message-target-origin
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Lines } from './lines.ts'
import { PROJECT } from './project.ts'

/** The state of a TCP port, seen from a host. `refused`: a reset or an ICMP error came; `silent`: nothing did. */
export type Look = 'open' | 'refused' | 'silent'

/** A knock that a resident sends: a SYN, or an empty datagram. */
export interface Knock {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

/** Where a connection goes to, and from where. */
export interface Target {
  readonly address: string
  readonly port: number
  /** One of the host's addresses and a port of it; what the system chooses without them. */
  readonly source?: string | undefined
  readonly sourcePort?: number | undefined
}

/** The orders that resident.mjs carries out on a host, and their answers. */
interface Orders {
  probe: { readonly ask: Target & { limitMs: number }; readonly answer: Look }
  /** The first line that a port says, `''` where nothing does. */
  greeting: { readonly ask: Target & { limitMs: number }; readonly answer: string }
  serve: { readonly ask: { name: number; port: number; greeting: string }; readonly answer: undefined }
  /** Says the word over and over, or nothing where it is empty. The answer is its own port. */
  connect: { readonly ask: Target & { name: number; word: string }; readonly answer: number }
  serveUdp: { readonly ask: { name: number; port: number }; readonly answer: undefined }
  talkUdp: { readonly ask: Target & { name: number }; readonly answer: undefined }
  send: {
    readonly ask: { address: string; port: number; datagrams: readonly Uint8Array[] }
    readonly answer: undefined
  }
  /** The address of an Ethernet device, `02:00:00:00:00:01`. */
  mac: { readonly ask: { device: string }; readonly answer: string }
  /** Sends Ethernet frames as they are. */
  frames: {
    readonly ask: { device: string; frames: readonly Uint8Array[]; everyMs: number }
    readonly answer: undefined
  }
  knock: { readonly ask: { address: string; knocks: readonly Knock[] }; readonly answer: undefined }
  close: { readonly ask: { name: number }; readonly answer: undefined }
  /** Closes whatever is open on the host. */
  leave: { readonly ask: object; readonly answer: undefined }
}

/** Milliseconds within which an order is carried out that waits for nothing, on a busy machine. */
const ORDER_LIMIT_MS = 60_000

type Message =
  | { readonly name: number; readonly line: string }
  | { readonly id: number; readonly answer?: unknown; readonly error?: string }

/** A server or a connection of a resident, and the lines that come from it. */
export class Socket extends Lines {
  readonly name: number
  readonly #resident: Resident

  constructor(resident: Resident, name: number, what: string) {
    super(what)
    this.#resident = resident
    this.name = name
  }

  /** Closes it: a server with all its connections. */
  async stop(): Promise<void> {
    await this.#resident.ask('close', { name: this.name })
    this.end('closed')
  }
}

/** What lives on a host: it does there what costs no process. */
export class Resident {
  readonly #namespace: string

  /** @param namespace its file */
  constructor(namespace: string) {
    this.#namespace = namespace
  }

  /**
   * Has an order carried out. Throws with the message of what went wrong, or if it takes too long.
   *
   * @param waitsMs milliseconds that the order itself waits
   */
  async ask<Name extends keyof Orders>(
    order: Name,
    words: Orders[Name]['ask'],
    waitsMs = 'limitMs' in words ? words.limitMs : 0,
  ): Promise<Orders[Name]['answer']> {
    const all = { namespace: this.#namespace, ...words }
    return (await thread().ask(order, all, waitsMs + ORDER_LIMIT_MS)) as Orders[Name]['answer']
  }

  /** Something that is to be kept open, with a name of its own. */
  socket(what: string): Socket {
    return thread().socket((name) => new Socket(this, name, what))
  }

  /** Closes its sockets. */
  async close(): Promise<void> {
    await this.ask('leave', {})
  }
}

/** The thread of this test process that carries the orders out, on all hosts. */
class Thread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  readonly #sockets = new Map<number, Socket>()
  #count = 0
  /** The error that ended the thread. */
  #gone: Error | undefined

  constructor() {
    this.#worker = new Worker(join(PROJECT, 'test/lab/resident.mjs'), { execArgv: [] })
    this.#worker.on('message', (message: Message) => this.#hear(message))
    this.#worker.on('error', (error: Error) => this.#end(error))
    this.#worker.on('messageerror', (error: Error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the thread of the hosts is gone')))
    // Only answers are waited for, and listening alone would keep the process.
    this.#worker.unref()
  }

  async ask(order: string, words: object, limitMs: number): Promise<unknown> {
    const id = ++this.#count
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        if (this.#gone !== undefined) throw this.#gone
        this.#waiting.set(id, { resolve, reject })
        this.#worker.ref()
        const late = (): void =>
          reject(new Error(`the thread of the hosts has not carried out "${order}" in ${limitMs} ms`))
        timer = setTimeout(late, limitMs)
        this.#worker.postMessage({ id, order, ...words })
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) this.#worker.unref()
    }
  }

  socket(make: (name: number) => Socket): Socket {
    const socket = make(++this.#count)
    this.#sockets.set(socket.name, socket)
    return socket
  }

  #hear(message: Message): void {
    if ('line' in message) {
      this.#sockets.get(message.name)?.add(message.line)
      return
    }
    const waiting = this.#waiting.get(message.id)
    if (message.error === undefined) waiting?.resolve(message.answer)
    else waiting?.reject(new Error(message.error))
  }

  #end(error: Error): void {
    this.#gone ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone)
    this.#waiting.clear()
    for (const socket of this.#sockets.values()) socket.end(this.#gone.message)
  }
}

let started: Thread | undefined

function thread(): Thread {
  started ??= new Thread()
  return started
}
