import type { Socket } from 'node:net'
import { formatDuration } from '../../config/duration.ts'
import { resolveAll } from '../destination.ts'
import type { Destination } from '../destination.ts'
import { ClientError } from '../fault.ts'
import { knock } from '../knock.ts'
import { isRefusal, reasonFor } from '../refusal.ts'
import { roundsOf } from '../request-rounds.ts'
import { sockets } from '../sockets.ts'
import type { HostSettings, Way } from '../spa/host-directives.ts'
import { readHostFile } from '../spa/host-file.ts'
import type { ProxyRequest } from './arguments.ts'
import { tryingAt } from './connection.ts'
import { reach, reachOnce } from './reach.ts'
import { UsedCodesFile, usedCodesPath } from '../used-codes.ts'
import { requestOf } from './request.ts'

/** The default wait for the port to open after each round of knocks, in milliseconds. */
export const WAIT_DEFAULT_MS = 5_000
/** The most milliseconds to check the port before the first knock. */
export const TRY_FIRST_LIMIT_MS = 500

/** Prints a line for the user of the proxy. */
export type Tell = (line: string) => void

/**
 * Connects to the port after knocking as set in the client's config. It connects without a knock if the config does not
 * mention the host.
 *
 * @throws ClientError if the config is invalid, nothing can be sent, or the port does not open
 */
export async function openConnection(request: ProxyRequest, tell: Tell): Promise<Socket> {
  const { settings, way, found } = readHostFile(request.configFile, request.host)
  const wanted = { ...request, settings }
  if (!found || way === undefined) return await connectOnly(wanted)
  if (settings.tryFirst === true) {
    const socket = await lookFirst(wanted)
    if (socket !== undefined) return socket
  }
  return await knockAndConnect(wanted, way, tell)
}

interface Wanted extends ProxyRequest {
  readonly settings: HostSettings
}

async function connectOnly({ host, port, settings }: Wanted): Promise<Socket> {
  const name = settings.host ?? host
  const destinations = await resolveAll(name, settings.family)
  const result = await reachOnce(destinations, new AbortController().signal, tryingAt(port))
  if ('connection' in result) return result.connection
  throw new ClientError(`cannot connect to tcp ${name}:${port}: ${reasonOf(result.error)}`, undefined, result.error)
}

async function lookFirst({ host, port, settings }: Wanted): Promise<Socket | undefined> {
  const destinations = await resolveAll(settings.host ?? host, settings.family)
  const result = await reachOnce(destinations, AbortSignal.timeout(TRY_FIRST_LIMIT_MS), tryingAt(port))
  return 'connection' in result ? result.connection : undefined
}

async function knockAndConnect({ host, port, settings, ...wanted }: Wanted, way: Way, tell: Tell): Promise<Socket> {
  const { verbose } = wanted
  const request = requestOf(host, port, settings, verbose)
  const waitMs = settings.waitMs ?? WAIT_DEFAULT_MS
  let all: readonly Destination[] = []
  let connection: Socket | undefined
  let round = 0
  const look = async (_: number, knocked: readonly Destination[]): Promise<boolean> => {
    // One-time secrets are knocked at one family only. The other family may be open to everyone.
    const others = all.filter((each) => !knocked.includes(each))
    const result = await reach([...knocked, ...others], waitMs, tryingAt(port))
    if ('connection' in result) connection = result.connection
    else if (round++ === request.retry) throw shut(request.host, port, round, waitMs, result.error)
    return connection !== undefined
  }
  const print: Tell = verbose ? tell : () => undefined
  if (way === 'packet') {
    const { sendSpa } = await import('../spa/spa.ts')
    await sendSpa(packetRequest({ host, port, ...wanted }, request.retry), { print, notice: print }, look)
  } else {
    const codes = new UsedCodesFile(usedCodesPath())
    const rounds = await roundsOf(request, { now: Date.now, pause: sockets.pause, tell: print, warn: tell, codes })
    const resolve = async (): Promise<readonly Destination[]> => (all = await sockets.resolve(request))
    await knock(request, rounds, { ...sockets, resolve, isOpen: look, print })
  }
  // Without a connection, the last check has thrown.
  return connection!
}

function packetRequest({ host, port, configFile, verbose }: Omit<ProxyRequest, 'passFd'>, retry: number) {
  return {
    protocol: 'postern',
    host,
    configFile,
    verify: port,
    retry,
    verbose,
    family: undefined,
    source: undefined,
    claim: undefined,
    port: undefined,
    seconds: undefined,
    door: undefined,
    access: undefined,
    keyFile: undefined,
    serverKey: undefined,
    maxAgeMs: undefined,
  } as const
}

function shut(host: string, port: number, rounds: number, waitMs: number, error: unknown): ClientError {
  const after = rounds === 1 ? 'the knock' : `the last of ${rounds} rounds of knocks`
  return new ClientError(
    `tcp ${host}:${port} is not open ${formatDuration(waitMs)} after ${after}: ${reasonOf(error)}`,
    "the daemon's log there says whether it accepted the knock",
    error,
  )
}

function reasonOf(error: unknown): string {
  if (error === undefined) return 'it does not answer'
  return isRefusal(error) ? reasonFor(error) : (error as Error).message
}
