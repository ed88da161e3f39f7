// Another process that has a directory, without Varve's own code: takes the kernel's name, writes LOCK, says so, waits.
// Usage: holder.js FOLDER socket|no-socket
import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'

const [folder, means] = process.argv.slice(2)
const { dev, ino } = statSync(folder, { bigint: true })
const stat = readFileSync('/proc/self/stat', 'latin1')

const hold = () => {
  const holder = {
    pid: process.pid,
    host: hostname(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    startTicks: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
    kernelLock: means === 'socket' ? `${readlinkSync('/proc/self/ns/net')} ${dev}-${ino}` : null,
    since: '2026-01-02T03:04:05.678Z',
  }
  writeFileSync(join(folder, 'LOCK'), `${JSON.stringify(holder)}\n`)
  console.log('held')
  setInterval(() => {}, 60_000)
}

if (means === 'socket') createServer().listen(`\0varve-${dev}-${ino}`.padEnd(108, '\0'), hold)
else hold()
