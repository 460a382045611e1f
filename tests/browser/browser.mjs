// A real Chromium, from npm, and the page in it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages are kept with the other tools, where an import does not look by itself.
const packages = createRequire(pathToFileURL(join(process.env.NODE_PACKAGES, 'here.js')));
const { chromium } = packages('playwright-core');
const { default: packed } = await import(pathToFileURL(packages.resolve('@sparticuz/chromium')));
export const AXE = packages.resolve('axe-core/axe.min.js');

/** The page's address on the stack that behaves, and on the one that obeys `[[fault:…]]`. */
export const PAGE = new URL('/', process.env.API_URL).href;
export const FAULTY_PAGE = new URL('/', process.env.FAULTY_API_URL).href;

// The package's own arguments are for Lambda, where a browser lives as long as one page. Without a sandbox,
// because that needs rights that a container rarely has; the one page that is opened is our own.
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'];

/** Starts the browser: the package's, which is for Linux, or the one that CHROMIUM names. */
export async function start() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? await packed.executablePath(),
    args: ARGUMENTS,
    headless: true,
  });
}

/** A page that has read the list of models, and what went wrong in it so far. */
export async function opened(browser, address = PAGE, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && origin !== new URL(address).origin) wrong.push(`${request.url()} was asked for`);
  });
  const listed = page.waitForResponse((response) => response.url().endsWith('/v1/models'));
  const response = await page.goto(address);
  await listed;
  await page.locator('#text-model optgroup').first().waitFor({ state: 'attached' });
  return { page, wrong, response };
}
