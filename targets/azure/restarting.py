"""Services that are built again when one of them fails: a crash of capture must not end inference."""

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Final

from smartcam.contract.errors import SmartcamError
from smartcam.edge.backoff import Backoff
from smartcam.edge.lifecycle import Service, StopToken
from smartcam.edge.logs import log, log_exception

logger = logging.getLogger(__name__)

FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0
_LOOK_S: Final = 0.2
_STABLE_S: Final = 60.0

Build = Callable[[], Sequence[tuple[str, Service]]]


class Restarting:
    """Runs the services of one component, and all of them anew when the first of them has ended."""

    def __init__(
        self,
        name: str,
        build: Build,
        random: Callable[[], float],
        now: Callable[[], float],
        first_s: float = FIRST_S,
    ) -> None:
        """`now` is in seconds, monotonic; `first_s` is the first pause before services are built again."""
        self.name = name
        self.starts = 0
        self._build = build
        self._now = now
        self._backoff = Backoff(first_s, LONGEST_S, random)

    def run(self, stop: StopToken) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            began = self._now()
            self._once(stop)
            if stop.is_set():
                return
            if self._now() - began > _STABLE_S:
                self._backoff.reset()
            wait_s = self._backoff.next()
            log(logger, logging.ERROR, "component_starts_again", component=self.name, in_s=wait_s)
            stop.wait(wait_s)

    def _once(self, stop: StopToken) -> None:
        self.starts += 1
        try:
            services = self._build()
        except Exception as error:  # noqa: BLE001  the edge of the component
            log_exception(logger, "component_not_built", error, component=self.name)
            return
        inner, ended = StopToken(), Event()
        threads = [Thread(target=_run, args=(name, service, inner, ended), name=name) for name, service in services]
        for thread in threads:
            thread.start()
        while not stop.is_set() and not ended.wait(_LOOK_S):
            pass
        inner.set()
        for thread in threads:
            thread.join()


def _run(name: str, service: Service, stop: StopToken, ended: Event) -> None:
    try:
        service.run(stop)
    except SmartcamError as error:
        log(logger, logging.CRITICAL, "service_failed", service=name, error=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001  the edge of the thread
        log_exception(logger, "service_failed", error, service=name)
    finally:
        ended.set()
