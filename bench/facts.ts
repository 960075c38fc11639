import { cpus, loadavg, release } from 'node:os'
import { VERSION } from '../src/version.ts'
import { run } from '../test/lab/process.ts'

/** The Debian packages of the programs that are compared, and of the generator of traffic. */
const PACKAGES = ['knockd', 'fwknop-server', 'iptables', 'tcpreplay']

/** Returns what the figures depend on, a line each. Call it ahead of the first measure: it tells the load of the machine. */
export async function machineFacts(): Promise<readonly string[]> {
  const { stdout: versions } = await run(['dpkg-query', '-W', '-f', '${Package} ${Version}, ', ...PACKAGES])
  const { stdout: commit } = await run(['git', 'rev-parse', '--short', 'HEAD'], { mayFail: true })
  const { stdout: changes } = await run(['git', 'status', '--porcelain', 'src'], { mayFail: true })
  const processors = cpus()
  const made = commit === '' ? '' : ` (${commit.trim()}${changes === '' ? '' : ', with changes'})`
  return [
    `Postern ${VERSION}${made} on Node ${process.version}; ${versions.replace(/, $/, '')}`,
    `${processors.length} x ${processors[0]?.model ?? 'unknown CPU'}, Linux ${release()}`,
    `Load of the machine before: ${loadavg()[0]!.toFixed(2)}`,
  ]
}
