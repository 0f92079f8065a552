from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response


@api_view()
def me(request):
    return Response({"user": request.user.username})


@api_view()
@permission_classes([AllowAny])
def status(request):
    return Response({"status": "up"})
