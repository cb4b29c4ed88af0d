"""One camera: its analyses, its outage, and the episodes that nobody has gone on with yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from smartcam.contract.times import UtcNs
from smartcam.inference.analysis.analysis import Analysis, Model
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.events import Change, OpenEpisode
from smartcam.inference.frames.silence import Silence
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.frame import Frame
from smartcam.vision.visibility import Visibility


@dataclass(slots=True)
class Camera:
    """What is kept of one camera.

    `lasting`: the analyses that need no model; `modelled`: those with `model`, the one in use. `waiting`: open episodes
    for analyses that are still to be made. `outage`: the episode of its loss, while it is lost. `silence`: when it was
    last heard.
    """

    lasting: list[Analysis] = field(default_factory=list)
    modelled: list[Analysis] = field(default_factory=list)
    model: Model | None = None
    waiting: list[OpenEpisode] = field(default_factory=list)
    outage: OpenEpisode | None = None
    silence: Silence = field(default_factory=Silence)
    shared: SharedKnowledge = field(default_factory=SharedKnowledge)

    def configure(self, settings: AnalysisSettings) -> None:
        """Go on with other settings."""
        for analysis in self._analyses():
            analysis.configure(settings)

    def begin(self, *, lasting: Sequence[Analysis] = (), modelled: Sequence[Analysis] = ()) -> None:
        """Analyses that were missing; each is given the waiting episodes that it owns."""
        self.lasting += lasting
        self.modelled += modelled
        for analysis in (*lasting, *modelled):
            owned = [episode for episode in self.waiting if analysis.owns(episode.event)]
            self.waiting = [episode for episode in self.waiting if episode not in owned]
            analysis.resume(owned)

    def use(self, model: Model | None) -> None:
        """This model from now on; if it is another one, what is open waits for its analyses."""
        if model is self.model:
            return
        self.model = model
        for analysis in self.modelled:
            analysis.keep()  # or who has come since it was last stored would come again
        on = (episode for analysis in self.modelled for episode in analysis.episodes())
        self.waiting += [replace(episode, age_ms=0) for episode in on]
        self.modelled = []

    def update(self, frame: Frame) -> Iterator[Change]:
        """What the frame changes, one analysis after the other: what one finds stands even if the next one fails."""
        visibility = Visibility.CLEAR
        self.shared.open, self.shared.seen = self.episodes(), ()
        for analysis in self._analyses():
            yield from analysis.update(frame, visibility)
            visibility = analysis.visibility or visibility

    def end(self, at: UtcNs) -> list[Change]:
        """It gives no more pictures for now: the open episodes of its analyses end."""
        return [change for analysis in self._analyses() for change in analysis.end(at)]

    def episodes(self) -> list[OpenEpisode]:
        """The open episodes of its analyses."""
        return [episode for analysis in self._analyses() for episode in analysis.episodes()]

    def keep(self) -> None:
        """Store what was learnt of it for the next process."""
        for analysis in self._analyses():
            analysis.keep()

    def _analyses(self) -> list[Analysis]:
        return [*self.lasting, *self.modelled]
