import { PROGRAM_FOLDERS, isExecutable } from '../program-path.ts'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { splitCommand } from '../../lint/shell.ts'
import { Nftables } from '../../native/nftables.ts'
import { loadPcap } from '../../native/pcap.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** Finds missing libraries that the daemon needs for this config. */
export function judgeLibraries({ options, doors }: Config): readonly Finding[] {
  const guarded = options.guard.length > 0 || doors.some(({ opens }) => opens.length > 0)
  const findings = [missing('libpcap0.8', loadPcap)]
  if (guarded) findings.push(missing('libnftables1', () => new Nftables().close()))
  return findings.filter((each) => each !== undefined)
}

function missing(debian: Parameters<typeof REMEDIES.installLibrary>[0], load: () => void): Finding | undefined {
  try {
    load()
    return undefined
  } catch (error) {
    const [message = ''] = (error as Error).message.split('\n')
    return { severity: 'fault', subject: 'library', message, fix: REMEDIES.installLibrary(debian) }
  }
}

/** Finds missing programs that commands name by path. */
export function judgePrograms({ doors, file }: Config, isProgram = isExecutable): readonly Finding[] {
  const paths = new Map<string, string>()
  for (const { name, commands4, commands6 } of doors) {
    for (const command of [commands4.start, commands4.stop, commands6.start, commands6.stop]) {
      for (const words of splitCommand(command ?? '').commands) {
        const program = words[0]?.text ?? ''
        if (program.startsWith('/') && !paths.has(program)) paths.set(program, name)
      }
    }
  }
  return [...paths].flatMap(([path, door]): readonly Finding[] => {
    if (isProgram(path)) return []
    const elsewhere = PROGRAM_FOLDERS.map((folder) => join(folder, basename(path))).find((other) => isProgram(other))
    const message = `door ${door} runs ${path}, which is ${existsSync(path) ? 'not executable' : 'missing'}`
    const fix =
      elsewhere === undefined ? REMEDIES.findProgram(basename(path)) : REMEDIES.replaceProgram(file, path, elsewhere)
    return [{ severity: 'fault', subject: 'program', message, fix }]
  })
}
