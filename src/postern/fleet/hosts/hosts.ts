import { DONE } from '../../../cli/exit-code.ts'
import type { Output } from '../../../cli/output.ts'
import { Etcd } from '../../../etcd/client.ts'
import type { HostsArguments } from '../arguments.ts'
import { fleetFailed } from '../unanswered.ts'
import { fleetHere } from './fleet-here.ts'
import { hostsText, readOverview } from './overview.ts'

/** Runs `postern fleet hosts`, and returns the exit code. */
export async function hosts(asked: HostsArguments, output: Output): Promise<number> {
  let etcd: Etcd | undefined
  try {
    const here = fleetHere(asked.folder)
    etcd = new Etcd(here.access)
    const overview = await readOverview(etcd, here)
    const { fleet, hostsVersion, usersVersion } = overview
    if (asked.json) output.out(`${JSON.stringify(overview, undefined, 2)}\n`)
    else {
      const versions = `hosts version ${hostsVersion ?? 'none'}, users version ${usersVersion ?? 'none'}`
      output.out(`fleet ${fleet}: ${versions}\n${hostsText(overview, Date.now())}`)
    }
    return DONE
  } catch (error) {
    return fleetFailed(error, output)
  } finally {
    etcd?.close()
  }
}
