// The tracking script, served as /s.js (or any path the site chooses). No cookie; nothing is stored but the
// opt-out flag, and that only when asked for. docs/guide/script.md is its manual; tests/script tests every promise in
// a real browser. Budget: under 2 kB gzip, minified, everything included.
((window, document, location) => {
  const { max, round } = Math;
  const tag = document.currentScript;
  const { dataset } = tag;
  const byHash = 'hash' in dataset;
  const endpoint = dataset.api || new URL('/api/v1/beacon', tag.src).href;
  const files = new RegExp(
    `\\.(${
      dataset.files?.replace(/[\s,]+/g, '|') ||
      '7z|apk|avi|csv|deb|dmg|docx?|epub|exe|iso|key|mov|mp[34]|msi|od[pst]|pdf|pkg|pptx?|rar|rpm|rtf|t?gz|txt|wav|xlsx?|zip'
    })$`,
    'i',
  );
  const isOff = (feature) => dataset.off?.includes(feature); // "files forms outbound vitals"
  const isVisible = () => document.visibilityState == 'visible';
  const on = (target, name, listener) => target.addEventListener(name, listener, true);

  let page; // what was last counted as viewed: path, or path and fragment
  let pageUrl;
  let referrer = document.referrer;
  let engagedSince = 0; // performance.now() since when the page is visible and has the focus; 0: it is not
  let engagedMs = 0; // not yet sent
  let deepest = 0; // lower edge of the window at its lowest, px
  let deepestSent = 0;
  let height = 0;
  let vitals;

  const currentUrl = () => (byHash ? location.href : location.href.split('#')[0]).slice(0, 2000);

  const send = (event) => {
    event.d = dataset.site;
    if (byHash) event.h = 1;
    if (navigator.webdriver) event.wd = 1;
    const body = JSON.stringify(event);
    // It answers false when its queue is full.
    navigator.sendBeacon?.(endpoint, body) || fetch(endpoint, { method: 'POST', body, keepalive: true }).catch(() => {});
  };

  const propertiesOf = (element) => {
    const found = {};
    for (const { name, value } of element.attributes) {
      if (!name.indexOf('data-mainstay-prop-')) found[name.slice(19)] = value;
    }
    return found;
  };

  // Engagement: how long the page was looked at since the last time, and how far down.

  const measure = () => {
    height = document.documentElement.scrollHeight;
    deepest = max(deepest, scrollY + innerHeight);
  };

  const stopClock = () => {
    if (engagedSince) engagedMs += performance.now() - engagedSince;
    engagedSince = 0;
  };

  const startClock = () => {
    if (isVisible() && document.hasFocus()) engagedSince ||= performance.now();
  };

  const sendEngagement = () => {
    stopClock();
    if (pageUrl && (deepest > deepestSent || engagedMs >= 3000)) {
      send({
        n: 'engagement',
        u: pageUrl,
        e: round(engagedMs),
        sd: Math.min(100, round((deepest / height) * 100)),
      });
      deepestSent = deepest;
      engagedMs = 0;
    }
  };

  const pause = () => {
    measure();
    sendEngagement();
    if (vitals && !isVisible()) {
      vitals();
      vitals = 0;
    }
  };

  // Events.

  const track = (name, { props, revenue, interactive, url } = {}) => {
    const isPage = name == 'pageview';
    if (isPage) {
      sendEngagement();
      deepest = deepestSent = engagedMs = 0;
      pageUrl = url || currentUrl();
      props = { ...propertiesOf(tag), ...props };
    }
    send({
      n: name,
      u: url || pageUrl || currentUrl(),
      r: referrer,
      p: props,
      $: revenue?.currency && isFinite(revenue.amount) ? revenue : undefined, // half a revenue would cost the event
      i: interactive,
      w: innerWidth,
      l: navigator.language,
    });
    if (isPage) {
      referrer = pageUrl;
      measure();
      startClock();
    }
  };

  const viewPage = (force) => {
    const next = location.pathname + (byHash ? location.hash : '');
    if ('manual' in dataset || (page == next && force !== true)) return;
    page = next;
    track('pageview');
  };

  const trackElement = (element) => {
    const { mainstayEvent, mainstayRevenue, mainstayCurrency } = element.dataset;
    track(mainstayEvent, {
      props: propertiesOf(element),
      revenue: mainstayRevenue && { amount: +mainstayRevenue, currency: mainstayCurrency },
    });
  };

  const onClick = ({ type, button, target }) => {
    if (!target.closest || (type == 'auxclick' && button != 1)) return;
    measure(); // before what the click may change
    const marked = target.closest('[data-mainstay-event]:not(form)');
    if (marked) trackElement(marked);
    const link = target.closest('a[href]');
    if (!link || !/^http/.test(link.protocol)) return;
    const props = { url: link.origin + link.pathname };
    if (files.test(link.pathname)) {
      if (!isOff('files')) track('File Download', { props });
    } else if (link.host != location.host && !isOff('outbound')) {
      track('Outbound Link: Click', { props });
    }
  };

  const onSubmit = ({ target }) => {
    if (target.dataset.mainstayEvent) trackElement(target);
    else if (!isOff('forms')) track('Form: Submission', { props: { path: location.pathname } });
  };

  // Web Vitals of this load (https://web.dev/articles/vitals), sent once, when the page is first left.

  const observeVitals = () => {
    const found = {};
    const observe = (type, read, options) => {
      try {
        new PerformanceObserver((list) => list.getEntries().forEach(read)).observe({ type, buffered: true, ...options });
      } catch {
        // this browser does not measure it
      }
    };
    let windowSum = 0; // layout shifts come in windows: gaps under 1 s, 5 s at most
    let windowStart = 0;
    let windowEnd = 0;
    const interactions = {};
    observe('navigation', ({ responseStart }) => (found.ttfb = round(responseStart)));
    observe('paint', ({ startTime }) => {
      found.fcp = round(startTime); // the first paint, then the first contentful one
      found.cls ||= 0;
    });
    observe('largest-contentful-paint', ({ startTime }) => (found.lcp = round(startTime)));
    observe('layout-shift', ({ hadRecentInput, startTime, value }) => {
      if (hadRecentInput) return;
      if (startTime - windowEnd > 1000 || startTime - windowStart > 5000) {
        windowSum = 0;
        windowStart = startTime;
      }
      windowEnd = startTime;
      windowSum += value;
      found.cls = max(found.cls || 0, +windowSum.toFixed(4));
    });
    observe(
      'event',
      ({ interactionId: id, duration }) => {
        if (id) interactions[id] = max(interactions[id] || 0, duration);
      },
      { durationThreshold: 16 },
    );
    const url = currentUrl();
    vitals = () => {
      const slowest = Object.values(interactions).sort((a, b) => b - a);
      found.inp = slowest[Math.floor(slowest.length / 50)]; // the worst, but for one in fifty
      if (found.fcp) send({ n: 'vitals', u: url, v: found });
    };
  };

  // Start.

  const isIgnored = () => {
    try {
      const wish = /^#mainstay-(ignore|count)$/.exec(location.hash);
      if (wish) {
        const ignore = wish[1] == 'ignore';
        localStorage.mainstay_ignore = ignore;
        alert(`Mainstay: this browser is ${ignore ? 'no longer ' : ''}counted on ${location.host}`);
      }
      if (localStorage.mainstay_ignore == 'true') return true;
    } catch {
      // storage is forbidden here: nobody can have opted out
    }
    return /^$|^(.*\.)?localhost$|^127\.|^\[::1\]$/.test(location.hostname) && !('local' in dataset);
  };

  const start = () => {
    window.mainstay = track;
    viewPage();
    if (404 in dataset) {
      track('404', { props: { path: location.pathname }, interactive: false });
    }
    calls.forEach((call) => track(...call));
    for (const name of ['pushState', 'replaceState']) {
      const original = history[name];
      history[name] = function () {
        original.apply(this, arguments);
        viewPage();
      };
    }
    on(window, 'popstate', viewPage);
    on(window, 'pageshow', ({ persisted }) => persisted && viewPage(true));
    on(window, 'focus', startClock);
    on(window, 'blur', pause);
    on(document, 'scroll', measure);
    on(document, 'click', onClick);
    on(document, 'auxclick', onClick);
    on(document, 'submit', onSubmit);
  };

  const calls = window.mainstay?.q || [];
  window.mainstay = (...call) => calls.push(call);
  if (isIgnored()) return (window.mainstay = () => {});
  // In the background or prerendered: a view begins when somebody looks.
  let started = isVisible();
  on(document, 'visibilitychange', () => {
    if (!isVisible()) pause();
    else if (started) startClock();
    else start((started = true));
  });
  if (started) {
    if (!isOff('vitals')) observeVitals();
    start();
  }
})(window, document, location);
