// Minifies src/script.js. usage: node build.mjs OUT.js [OUT.cpp]
// OUT.cpp embeds it in the program, plain and compressed. Fails when the script outgrows its budget.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { minify } from 'terser';

const BUDGET_GZIP_BYTES = 2048;
const here = dirname(fileURLToPath(import.meta.url));
const [target = join(here, 'dist', 's.js'), cpp] = process.argv.slice(2);
const source = readFileSync(join(here, 'src', 'script.js'), 'utf8');
const { code } = await minify(source, {
  ecma: 2020,
  compress: { passes: 4, unsafe_arrows: true, pure_getters: true },
  format: { comments: false },
});
const plain = Buffer.from(code);
const gzip = gzipSync(plain, { level: 9 });
const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
if (gzip.length >= BUDGET_GZIP_BYTES) {
  console.error(`s.js is ${gzip.length} bytes gzip; its budget is under ${BUDGET_GZIP_BYTES}`);
  process.exit(1);
}
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, plain);
console.log(`${target}: ${plain.length} bytes, ${gzip.length} gzip`);

if (cpp) {
  const array = (name, bytes) => `constexpr unsigned char ${name}[] = {${[...bytes].join(',')}};\n`;
  const view = (name) => `{reinterpret_cast<const char*>(${name}), sizeof ${name}}`;
  const etag = createHash('sha256').update(plain).digest('hex').slice(0, 16);
  writeFileSync(
    cpp,
    `#include "tracker_script.h"\n\nnamespace {\n${array('kPlain', plain)}${array('kGzip', gzip)}${array('kBrotli', brotli)}}  // namespace\n\n` +
      `const mainstay::TrackerScript& mainstay::tracker_script() {\n` +
      `  static const TrackerScript script{${view('kPlain')}, ${view('kGzip')}, ${view('kBrotli')}, "\\"${etag}\\""};\n` +
      `  return script;\n}\n`,
  );
}
