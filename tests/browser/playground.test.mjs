// The playground in a real browser, each tab from end to end against the running stacks.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, describe, test } from 'node:test';

import { AXE, FAULTY_PAGE, PAGE, opened, start } from './browser.mjs';

// In CI there is a browser, or the tests fail.
const browser = await start().catch((error) => {
  if (process.env.CI) throw error;
  console.error(`NO BROWSER: the playground is not tested here. ${error.message}`);
});
const skip = browser ? false : 'no browser can be started here';

after(() => browser?.close());

/** A test of a fresh page, in which nothing may go wrong but what `expected` says. */
function inPage(name, address, work, expected = [], options = {}) {
  test(name, { timeout: 60_000, skip }, async () => {
    const { page, wrong, response } = await opened(browser, address, options);
    try {
      await work(page, response);
      const unexpected = wrong.filter((text) => !expected.some((pattern) => pattern.test(text)));
      assert.deepEqual(unexpected, []);
    } finally {
      await page.context().close();
    }
  });
}

const refused = [/Failed to load resource: .*status of 4\d\d/];
const fact = (panel, name) => panel.locator('.facts div', { has: panel.page().locator(`dt:text-is("${name}")`) }).locator('dd');
const done = (panel) => panel.getByRole('button', { name: 'Stop' }).and(panel.locator(':disabled')).waitFor();

async function openTab(page, name) {
  await page.getByRole('tab', { name }).click();
  return page.getByRole('tabpanel', { name });
}

/** Writes down each state of an element's text, or a field's value, from now on. */
const watch = (page, selector) => page.evaluate((selector) => {
  window.states = [];
  const look = () => {
    const found = [...document.querySelectorAll(selector)].at(-1);
    const text = found ? found.value ?? found.textContent : '';
    if (text !== window.states.at(-1)) window.states.push(text);
    if (!window.stopped) requestAnimationFrame(look);
  };
  look();
}, selector);

const growth = (page) => page.evaluate(() => {
  window.stopped = true;
  return window.states.map((text) => text.length);
});

describe('text', () => {
  inPage('a prompt is completed, and the answer tells its tokens, times and id', PAGE, async (page) => {
    const panel = await openTab(page, 'Text');
    await panel.getByLabel('Model', { exact: true }).selectOption('amazon.titan-tg1-large');
    await panel.getByLabel('Prompt').fill('Name three rivers.');
    await panel.getByLabel('max_tokens', { exact: true }).fill('64');
    await panel.getByRole('button', { name: 'Complete' }).click();
    await fact(panel, 'Request id').waitFor();
    assert.notEqual(await panel.getByRole('group', { name: 'Completion' }).textContent(), '');
    assert.match(await fact(panel, 'Tokens read').textContent(), /^[1-9]\d*$/);
    assert.match(await fact(panel, 'Tokens written').textContent(), /^[1-9]\d*$/);
    for (const name of ['Time to first token', 'Latency']) assert.match(await fact(panel, name).textContent(), /^\d+\.\d+ s$/);
    assert.match(await fact(panel, 'Request id').textContent(), /^\S{8,}$/);
    assert.equal(await fact(panel, 'Model').textContent(), 'amazon.titan-tg1-large');
  });

  inPage('the parameters are those of the chosen model\'s family', PAGE, async (page) => {
    const panel = await openTab(page, 'Text');
    const model = panel.getByLabel('Model', { exact: true });
    await model.selectOption('amazon.titan-tg1-large');
    assert.equal(await panel.getByLabel('top_k', { exact: true }).count(), 0);
    assert.match(await panel.locator('.parameters').textContent(), /0 to 1; default 0\.7/);
    await model.selectOption('anthropic.claude-v2:1');
    await panel.getByLabel('top_k', { exact: true }).fill('250');
    assert.match(await panel.locator('.parameters').textContent(), /0 to 500; default 250/);
  });

  inPage('an error is shown as the API gives it', PAGE, async (page) => {
    const panel = await openTab(page, 'Text');
    await panel.getByLabel('Model', { exact: true }).selectOption('amazon.titan-tg1-large');
    await panel.getByLabel('Prompt').fill('a');
    await panel.getByLabel('temperature', { exact: true }).fill('3');
    await panel.getByRole('button', { name: 'Complete' }).click();
    const error = panel.getByRole('alert');
    await error.waitFor();
    assert.match(await error.textContent(), /^400 invalid_value: .*0 to 1[\s\S]*Field: temperature\nRequest id: \S+$/);
  }, refused);

  inPage('an error within a stream is shown below what came before it', FAULTY_PAGE, async (page) => {
    const panel = await openTab(page, 'Text');
    await panel.getByLabel('Model', { exact: true }).selectOption('us.amazon.nova-micro-v1:0');
    await panel.getByLabel('Prompt').fill('Tell me a story. [[fault:exception:ModelStreamErrorException]]');
    await panel.getByRole('button', { name: 'Complete' }).click();
    const error = panel.getByRole('alert');
    await error.waitFor();
    assert.match(await error.textContent(), /model_error/);
    assert.notEqual(await panel.getByRole('group', { name: 'Completion' }).textContent(), '');
  });
});

describe('chat', () => {
  async function say(panel, text) {
    await panel.getByLabel('Your message').fill(text);
    await panel.getByRole('button', { name: 'Send' }).click();
  }

  inPage('an answer grows while it comes, and the history goes with the next message', PAGE, async (page) => {
    const panel = await openTab(page, 'Chat');
    await panel.getByLabel('System prompt').fill('Answer in full sentences.');
    await watch(page, '#chat-turns textarea');
    await say(panel, `Repeat: ${'the river runs to the sea and '.repeat(40)}`);
    await fact(panel, 'Request id').waitFor();
    const lengths = await growth(page);
    assert.ok(lengths.length > 1 && lengths.at(-1) > 0, `it was seen with ${lengths} characters`);
    await say(panel, 'And then?');
    await panel.getByLabel('Model, turn 4').waitFor();
    await done(panel);
    await panel.getByText('View API request').click();
    await panel.getByRole('button', { name: 'S3 upload' }).click();
    const shown = await panel.locator('pre').textContent();
    const { messages } = JSON.parse(shown.split('\n').slice(1, -1).join('\n'));
    assert.deepEqual(messages.map(({ role }) => role), ['system', 'user', 'assistant', 'user', 'assistant']);
  });

  inPage('what has been said can be changed and taken out', PAGE, async (page) => {
    const panel = await openTab(page, 'Chat');
    await say(panel, 'My dog is called Rex.');
    await panel.getByLabel('Model, turn 2').waitFor();
    await done(panel);
    await panel.getByLabel('Model, turn 2').fill('A fine name for a cat.');
    await panel.getByLabel('You, turn 1').fill('My cat is called Rex.');
    const asked = page.waitForRequest((request) => request.url().endsWith('/v1/chat/completions'));
    await say(panel, 'What did I say?');
    const { messages } = (await asked).postDataJSON();
    assert.deepEqual(messages.map(({ content }) => content), ['My cat is called Rex.', 'A fine name for a cat.', 'What did I say?']);
    await done(panel);
    await panel.getByRole('button', { name: 'Remove turn 1' }).click();
    assert.equal(await panel.locator('#chat-turns > li').count(), 3);
  });

  inPage('a stream that pauses is stopped by the button', FAULTY_PAGE, async (page) => {
    const panel = await openTab(page, 'Chat');
    await panel.getByLabel('Model', { exact: true }).selectOption('us.amazon.nova-lite-v1:0');
    await say(panel, 'Tell me a story. [[fault:stall_body]]');
    await panel.getByLabel('Model, turn 2').waitFor();
    assert.ok(await panel.getByRole('progressbar').isVisible());
    await panel.getByRole('button', { name: 'Stop' }).click();
    await done(panel);
    assert.equal(await panel.getByRole('alert').textContent(), 'Stopped.');
    assert.notEqual(await panel.getByLabel('Model, turn 2').inputValue(), '');
    assert.ok(await panel.getByRole('button', { name: 'Send' }).isEnabled());
  });

  inPage('a hostile answer is text', PAGE, async (page) => {
    const hostile = '<script>window.hit=1</script><img src=x onerror="window.hit=2"> <b>bold</b>';
    await page.route('**/v1/chat/completions', (route) => route.fulfill({
      contentType: 'text/event-stream',
      body: [{ choices: [{ index: 0, delta: { content: hostile, reasoning_content: hostile }, finish_reason: null }] },
        { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }]
        .map((chunk) => `data: ${JSON.stringify({ model: hostile, ...chunk })}\n\n`).join('') + 'data: [DONE]\n\n',
    }));
    const panel = await openTab(page, 'Chat');
    await say(panel, hostile);
    const answer = panel.getByLabel('Model, turn 2');
    await answer.waitFor();
    assert.equal(await answer.inputValue(), hostile);
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.equal(await page.locator('#main script:not([type]), #main b').count(), 0);
  });

  inPage('an image goes with the message', PAGE, async (page) => {
    const panel = await openTab(page, 'Chat');
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
    await panel.getByLabel('Attach an image').setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: png });
    await panel.getByRole('button', { name: 'Take it off' }).waitFor();
    const asked = page.waitForRequest((request) => request.url().endsWith('/v1/chat/completions'));
    await say(panel, 'What is this?');
    const [{ content }] = (await asked).postDataJSON().messages;
    assert.deepEqual(content, [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } },
    ]);
    await panel.getByAltText('The attached image').waitFor();
  }, refused);
});

describe('image', () => {
  inPage('an image is drawn, shown, downloaded, and made again by its seed', PAGE, async (page) => {
    const panel = await openTab(page, 'Image');
    await panel.getByLabel('Model', { exact: true }).selectOption('stability.stable-diffusion-xl-v1');
    await panel.getByLabel('Prompt', { exact: true }).fill('A lighthouse at dusk');
    await panel.getByLabel('steps', { exact: true }).fill('10');
    await panel.getByLabel('size', { exact: true }).selectOption('1152x896');
    const draw = panel.getByRole('button', { name: 'Draw' });
    await draw.click();
    const first = panel.getByAltText('A lighthouse at dusk').first();
    await first.waitFor();
    assert.deepEqual(await first.evaluate(async (image) => (await image.decode(), [image.naturalWidth, image.naturalHeight])), [1152, 896]);
    const downloading = page.waitForEvent('download');
    await panel.getByRole('link', { name: /Download image-\d+\.png/ }).click();
    assert.match((await downloading).suggestedFilename(), /^image-\d+\.png$/);
    await panel.getByRole('button', { name: 'Use this seed' }).click();
    await draw.click();
    await panel.locator('#gallery li').nth(1).waitFor();
    const [again, before] = await panel.locator('#gallery img').evaluateAll((images) => images.map((image) => image.src));
    assert.ok(again === before, 'the same seed drew something else');
  });

  inPage('a filtered prompt is an error and no image', FAULTY_PAGE, async (page) => {
    const panel = await openTab(page, 'Image');
    await panel.getByLabel('Model', { exact: true }).selectOption('stability.stable-image-core-v1:1');
    await panel.getByLabel('Prompt', { exact: true }).fill('A tree [[fault:filtered]]');
    await panel.getByRole('button', { name: 'Draw' }).click();
    await panel.getByRole('alert').waitFor();
    assert.match(await panel.getByRole('alert').textContent(), /400 content_policy_violation/);
    assert.equal(await panel.locator('#gallery li').count(), 0);
  }, refused);
});

describe('the page', () => {
  inPage('models are grouped by provider, and those that have ended are marked', PAGE, async (page) => {
    const groups = await page.locator('#text-model optgroup').evaluateAll((all) => all.map((group) => group.label));
    assert.ok(['Amazon', 'Anthropic'].every((provider) => groups.includes(provider)), groups.join());
    const titles = await page.locator('#text-model option').allTextContents();
    assert.ok(titles.some((title) => /^anthropic\.claude-v2:1 \(.*retired 2025-07-21/.test(title)), titles.join('\n'));
    const drawing = await page.locator('#image-model option').allTextContents();
    assert.ok(!drawing.some((title) => title.startsWith('anthropic.')), 'a model that writes is offered for images');
  });

  inPage('the key stays in the tab and goes with each call', PAGE, async (page) => {
    await page.getByLabel('API key').fill('a-key-0123456789abcdef');
    const asked = page.waitForRequest((request) => request.url().endsWith('/v1/models'));
    await page.getByRole('button', { name: 'Use' }).first().click();
    assert.equal((await asked).headers().authorization, 'Bearer a-key-0123456789abcdef');
    assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0);
    await page.getByText('View API request').first().click();
    const shown = await page.locator('pre', { hasText: 'curl' }).textContent();
    assert.ok(shown.includes('$API_KEY') && !shown.includes('a-key-'), shown);
  });

  inPage('the request that is shown is answered, by a shell, by Python and as an upload', PAGE, async (page) => {
    const panel = await openTab(page, 'Chat');
    await panel.getByLabel('Your message').fill('It\'s "five" o\'clock \\ 🕔');
    await panel.getByLabel('temperature', { exact: true }).fill('0.5');
    await panel.getByText('View API request').click();
    const shown = async (form) => {
      await panel.getByRole('button', { name: form }).click();
      return panel.locator('pre').textContent();
    };
    const said = execFileSync('bash', ['-c', await shown('curl')], { encoding: 'utf8' });
    assert.match(said, /^data: \{[\s\S]*data: \[DONE\]/);
    const python = execFileSync(process.env.PYTHON, ['-c', await shown('Python')], { encoding: 'utf8' });
    assert.match(python, /ChatCompletionChunk/);
    const shell = (command) => execFileSync('bash', ['-c', `aws() { "$AWS" "$@"; }\nBUCKET=bedrock-lambda-local\n${command}`], { encoding: 'utf8' });
    const results = () => shell('aws s3 ls --recursive "s3://$BUCKET/results/chat/" || true').split('\n').length;
    const before = results();
    shell(await shown('S3 upload'));
    for (let waited = 0; results() === before; waited += 1) assert.ok(waited < 30, 'the upload has no result');
  });

  inPage('the policy lets nothing else run', PAGE, async (page, response) => {
    const policy = response.headers()['content-security-policy'];
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/);
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.hit = 1';
      document.body.append(script);
      return window.hit;
    });
    assert.equal(ran, undefined);
  }, [/Content Security Policy/]);

  inPage('the tabs are walked by the keyboard', PAGE, async (page) => {
    await page.getByRole('tab', { name: 'Text' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tabpanel', { name: 'Chat' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'tab-chat');
    await page.keyboard.press('End');
    await page.getByRole('tabpanel', { name: 'Image' }).waitFor();
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const name of ['Text', 'Chat', 'Image']) {
      inPage(`axe finds nothing in ${name}, ${colorScheme}`, PAGE, async (page) => {
        await openTab(page, name);
        await page.getByText('View API request').and(page.locator(':visible')).click();
        const source = (await import('node:fs')).readFileSync(AXE, 'utf8');
        // Through the browser's own console, which the policy does not bind.
        const { violations } = await page.evaluate(`${source}; axe.run(document, { resultTypes: ['violations'] })`);
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      }, [], { colorScheme });
    }
  }

  inPage('a narrow screen needs no scrolling to the side', PAGE, async (page) => {
    for (const name of ['Text', 'Chat', 'Image']) {
      await openTab(page, name);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name);
    }
  }, [], { viewport: { width: 360, height: 740 } });
});
