"""Run the campaign; see the package."""

from tests.faults.campaign import main

main()
