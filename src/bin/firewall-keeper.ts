#!/usr/bin/env node
import { keep } from '../postern/firewall/base/keeper.ts'

await keep(process.argv[2] ?? '')
