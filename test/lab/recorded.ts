import { execFileSync } from 'node:child_process'
import { CLIENT_4 } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

/** An address beside the client's, from which a recording is played back. */
const ELSEWHERE_4 = '192.0.2.66'

/** tcpdump(8) into a file, packet by packet, running by the time this returns; SIGINT ends it. `more` are its options, and a filter. */
export async function record(host: Host, device: string, file: string, ...more: readonly string[]): Promise<Process> {
  const words = ['-Z', 'root', '--immediate-mode', '-U', '-i', device, '-w', file]
  const recorder = host.start(['tcpdump', ...words, ...more])
  await recorder.line(/listening on/)
  return recorder
}

/** How tcpdump(8) says, on SIGUSR1, what it has written. */
const WRITTEN = /^tcpdump: (\d+) packets? captured/

/** Ends a recording when so many packets are in its file: a tcpdump(8) that is ended leaves out what it has not read. */
export async function endRecording(recorder: Process, packets: number): Promise<void> {
  await until('all is recorded', async () => {
    const from = recorder.lines.length
    recorder.kill('SIGUSR1')
    const counts = (): readonly string[] => recorder.lines.slice(from).flatMap((line) => WRITTEN.exec(line)?.[1] ?? [])
    await until('the count', () => counts().length > 0)
    return Number(counts()[0]) >= packets
  })
  recorder.kill('SIGINT')
  await recorder.ended
}

/** The file of a recording of what is sent meanwhile. */
export async function recordedOf(
  host: Host,
  filter: string,
  meanwhile: () => Promise<void>,
  ...options: readonly string[]
): Promise<string> {
  const file = scratch('recorded.pcap')
  const recorder = await record(host, 'eth0', file, ...options, filter)
  await meanwhile()
  recorder.kill('SIGINT')
  await recorder.ended
  return file
}

/**
 * Gives what plays a recording back so often, as fast as it goes: as it was, and from another address.
 *
 * @param rewrites more that tcprewrite(1) is to change in the second
 */
export function playing(
  client: Host,
  recorded: string,
  loops: number,
  ...rewrites: readonly string[]
): () => Promise<void> {
  const other = scratch('other.pcap')
  const files = [`--infile=${recorded}`, `--outfile=${other}`]
  execFileSync('tcprewrite', [`--srcipmap=${CLIENT_4}/32:${ELSEWHERE_4}/32`, ...rewrites, '-C', ...files])
  return async () => {
    for (const file of [recorded, other]) {
      await client.run(['tcpreplay', '-q', '--topspeed', `--loop=${loops}`, '-i', 'eth0', file], { limitMs: 60_000 })
    }
  }
}
